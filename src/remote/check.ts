/** Checks a remote, whatever it is. Answers for choosing the check; what is tried stands in the files of each kind. */
import type { CheckOptions, RemoteCheck } from './check-report.js';
import type { RemoteLocation } from './location.js';
import { resolveRemote } from './resolve.js';

/** Throws USAGE, ARCHIVE_UNSUPPORTED, REMOTE_MISCONFIGURED, CREDENTIALS_INVALID for a location that means nothing. */
export async function checkRemoteAt(location: string | RemoteLocation, options: CheckOptions): Promise<RemoteCheck> {
  const place = resolveRemote(location);
  switch (place.kind) {
    case 'folder':
      return await (await import('./check-folder.js')).checkFolder(place.folder, options);
    case 'https':
      return await (await import('./check-https.js')).checkAddress(place.base, options);
    case 's3':
      return await (await import('./s3-check.js')).checkS3(place.settings, options);
  }
}
