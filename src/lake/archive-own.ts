/**
 * Tells what lakepack itself wrote into a lake from data. By default the lake is its own archive (DESIGN section 3),
 * and exporting earlier exports would never end. It knows names only.
 */
import { isTemporaryName } from '../base/temporary-name.js';

const EXPORT_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;
const BUNDLE = /^(.+)-\d{5}\.tar\.zst(\.age)?$/;
const MANIFEST = /^(.+)\.(export\.json|files\.jsonl\.zst)$/;

/**
 * True for a file that lakepack wrote: bundles and their SHA256SUMS below `exports/`, export manifests and file
 * indexes below `manifests/`, `drills/<yyyy>/*.drill.json`, unfinished files of these, and all of `.lakepack/`.
 * Anything else in those folders is the user's data and is packed like any other.
 */
export function isArchiveOwn(lakePath: string): boolean {
  const segments = lakePath.split('/');
  const name = segments.at(-1) ?? '';
  switch (segments[0]) {
    case '.lakepack':
      return true;
    case 'exports':
      return isExportObject(segments.at(-2) ?? '', name) || isPartial(segments);
    case 'manifests':
      return EXPORT_ID.test(MANIFEST.exec(name)?.[1] ?? '') || isPartial(segments);
    case 'drills':
      return isDrill(segments) || isPartial(segments);
    default:
      return false;
  }
}

/** True for a folder that may hold such files, so that a walk asks only there. */
export function mayHoldArchiveOwn(folder: string): boolean {
  return /^(\.lakepack|exports|manifests|drills)?(\/|$)/.test(folder);
}

function isExportObject(folder: string, name: string): boolean {
  if (!EXPORT_ID.test(folder)) return false;
  return name === 'SHA256SUMS' || BUNDLE.exec(name)?.[1] === folder;
}

function isPartial(segments: readonly string[]): boolean {
  return segments.length > 1 && isTemporaryName(segments.at(-1) ?? '');
}

function isDrill(segments: readonly string[]): boolean {
  return segments.length === 3 && /^\d{4}$/.test(segments[1] ?? '') && (segments[2] ?? '').endsWith('.drill.json');
}
