/** Which objects of an archive belong to an export and are not its manifest, by their keys alone. Pure. */
import { besideManifestKey, checksumKey, filesIndexName, parseBundleKey, parseExportId } from '../../archive/layout.js';
import type { ObjectInfo } from '../../remote/remote.js';

export interface ExportObject extends ObjectInfo {
  readonly kind: 'bundle' | 'checksums' | 'index';
  readonly path: string;
  readonly exportId: string;
  readonly createdAt: Date;
}

/** Undefined for a manifest, and for everything that lakepack did not name: a lake may be its own archive. */
export function parseGarbageKey(info: ObjectInfo): ExportObject | undefined {
  const bundle = parseBundleKey(info.key);
  if (bundle !== undefined) return objectOf(info, 'bundle', bundle.path, bundle.exportId);
  const [, checked = '', ofChecksums = ''] = /^exports\/(.+)\/([^/]+)\/SHA256SUMS$/s.exec(info.key) ?? [];
  if (checked !== '' && checksumKey(checked, ofChecksums) === info.key) {
    return objectOf(info, 'checksums', checked, ofChecksums);
  }
  const [, indexed = '', ofIndex = ''] = /^manifests\/(.+)\/([^/]+)\.files\.jsonl\.zst$/s.exec(info.key) ?? [];
  if (indexed !== '' && besideManifestKey(indexed, filesIndexName(ofIndex)) === info.key) {
    return objectOf(info, 'index', indexed, ofIndex);
  }
  return undefined;
}

function objectOf(
  info: ObjectInfo,
  kind: ExportObject['kind'],
  path: string,
  exportId: string,
): ExportObject | undefined {
  const createdAt = parseExportId(exportId)?.createdAt;
  return createdAt === undefined ? undefined : { ...info, kind, path, exportId, createdAt };
}
