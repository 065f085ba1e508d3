/** The form of the names of unfinished files in an archive folder (docs/decisions/0041): what a scan must not take for data. */

/** `.<name>.<machine>-<process id>-<random>.partial`; the process is 0 where it cannot be known. */
export const TEMPORARY_NAME = /^\..*\.([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{12}\.partial$/s;

export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}
