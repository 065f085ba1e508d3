/**
 * What becomes of a thing that is not an ordinary file with an ordinary name: the table of
 * docs/decisions/0010-file-policy.md in code. It makes the findings; `walk.ts` leaves out what they say is left out.
 */
import { systemErrorCode } from '../base/errors.js';
import { finding, type Finding, type Severity } from '../base/findings.js';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from '../base/limits.js';
import { lakePathFault, showPath } from '../base/paths.js';
import { portabilityFault } from './names.js';

/**
 * What to do with things a bundle cannot hold. `default`: links and special files are left out with a warning,
 * because lakes have them and nothing is lost that a file holds; a file whose name is not UTF-8 is an error, because
 * its content would be lost. `refuse`: both are errors. `skip`: both are left out with a warning.
 */
export type UnsupportedPolicy = 'default' | 'refuse' | 'skip';

export type SpecialKind = 'symbolic link' | 'fifo' | 'socket' | 'device' | 'unknown kind of file';

/** A link or special file: left out, never opened, never followed. */
export function specialFileFinding(path: string, kind: SpecialKind, policy: UnsupportedPolicy): Finding {
  const severity: Severity = policy === 'refuse' ? 'error' : 'warning';
  const code = kind === 'symbolic link' ? 'SOURCE_SYMLINK' : 'SOURCE_SPECIAL_FILE';
  return finding(
    code,
    `${showPath(path)} is left out: it is a ${kind}`,
    { path },
    { severity, repair: leaveOut(policy) },
  );
}

/** A name that is not UTF-8: left out. `shown` is the path with each bad byte as `\xNN`. */
export function notUtf8Finding(shown: string, policy: UnsupportedPolicy): Finding {
  const severity: Severity = policy === 'skip' ? 'warning' : 'error';
  const repair = 'rename it, or leave such files out with --unsupported skip';
  return finding(
    'SOURCE_NAME_NOT_UTF8',
    `${showPath(shown)} is left out: its name is not UTF-8`,
    { path: shown },
    { severity, repair },
  );
}

function leaveOut(policy: UnsupportedPolicy): string {
  return policy === 'refuse'
    ? 'remove it, or leave such things out with --unsupported skip'
    : 'make a copy of what it points to if it is data';
}

/** A path that no bundle may hold (too long, or one that leaves its folder on another system): left out, an error. */
export function pathFinding(path: string): Finding | undefined {
  const fault = lakePathFault(path);
  if (fault === undefined) return undefined;
  const code = isTooLong(path) ? 'SOURCE_PATH_TOO_LONG' : 'SOURCE_NAME_NOT_PORTABLE';
  const message = `${showPath(path)} is left out: its path ${fault}`;
  return finding(code, message, { path }, { severity: 'error', repair: 'rename or move it' });
}

function isTooLong(path: string): boolean {
  return (
    Buffer.byteLength(path) > MAX_PATH_BYTES || path.split('/').some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)
  );
}

/** A name that a Windows or macOS disk cannot hold: packed exactly, a warning. */
export function portabilityFinding(path: string, name: string): Finding | undefined {
  const fault = portabilityFault(name);
  if (fault === undefined) return undefined;
  return finding('SOURCE_NAME_NOT_PORTABLE', `${showPath(path)}: the name ${fault}`, { path });
}

/** Names of one folder that are one name on a disk without case or normalization: packed exactly, a warning. */
export function twinsFinding(paths: readonly string[]): Finding {
  const shown = paths.slice(0, MAX_SHOWN_TWINS).map(showPath).join(', ');
  const more = paths.length > MAX_SHOWN_TWINS ? ` and ${paths.length - MAX_SHOWN_TWINS} more` : '';
  const message = `${shown}${more} are one name on a disk without case or Unicode normalization`;
  return finding('SOURCE_NAME_TWINS', message, { path: paths[0] ?? '' });
}

const MAX_SHOWN_TWINS = 4;

/** A folder or file that could not be looked at: what is in it is not known, an error. */
export function unreadableFinding(path: string, cause: unknown): Finding {
  const reason = systemErrorCode(cause) ?? 'unknown error';
  const code = reason === 'ENAMETOOLONG' ? 'SOURCE_PATH_TOO_LONG' : 'SOURCE_UNREADABLE';
  const shown = path === '' ? 'the lake' : showPath(path);
  return finding(
    code,
    `${shown} cannot be read: ${reason}`,
    { path },
    { repair: 'see to its permissions, then run the command again' },
  );
}

/** A thing that was one kind when its folder was listed and another when it was looked at, an error. */
export function changedKindFinding(path: string): Finding {
  return finding('SOURCE_CHANGED', `${showPath(path)} was replaced while the lake was scanned`, { path });
}
