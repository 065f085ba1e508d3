/** What a location says by its form alone: its scheme, and the folder that a path or a `file:` URL means. Pure. */
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LakepackError } from '../base/errors.js';

/** The scheme or name before the first colon, in lower case. It has two letters or more: one is a Windows drive. */
export function schemeOf(location: string): string | undefined {
  return /^([a-z][a-z0-9+._-]+):/i.exec(location)?.[1]?.toLowerCase();
}

/** The folder of a location without a scheme, or with `file:`; undefined for any other. @throws USAGE. */
export function folderByForm(location: string): string | undefined {
  if (location === '' || location.includes('\0')) {
    throw new LakepackError('USAGE', `archive: ${JSON.stringify(location)} is not a location`, {
      hint: 'give a folder, s3://bucket/prefix, a named remote (r2:prefix), or an https: address',
    });
  }
  const scheme = schemeOf(location);
  if (scheme === undefined) return location;
  return scheme === 'file' ? folderOfUrl(location) : undefined;
}

/** `file:///x`, `file:/x`, `file://localhost/x`, and `file:x` relative to the working folder. */
function folderOfUrl(location: string): string {
  try {
    const url = /^file:[/\\]/i.test(location)
      ? new URL(location)
      : new URL(location.slice('file:'.length), pathToFileURL(`${path.resolve('.')}${path.sep}`));
    if (url.username !== '' || url.password !== '') throw new TypeError('it has a user or a password');
    if (url.search !== '' || url.hash !== '') throw new TypeError('it has a query or a fragment');
    return fileURLToPath(url);
  } catch {
    // Neither the location nor the cause is shown: what was pasted behind file: may hold a password.
    throw new LakepackError('USAGE', 'archive: the file: location does not name a folder', {
      hint: 'write file:///absolute/folder, file:relative/folder, or just the path; %, ? and # must be escaped in a URL',
    });
  }
}
