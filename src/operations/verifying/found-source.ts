/**
 * The stored bytes of a bundle whose object was found already, for looking at all of them: no request says its size
 * again, and from afar neighbouring bytes come in one request, ahead of the check.
 */
import type { Archive } from '../../archive/archive.js';
import { bundleKey, type ExportRef } from '../../archive/layout.js';
import { MIB } from '../../base/limits.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import { readAhead } from '../read-ahead.js';

const REQUEST_BYTES = 8 * MIB;
/** What is read ahead of the check of one bundle. */
export const AHEAD_BYTES = 24 * MIB;

export interface FoundBundle {
  readonly name: string;
  /** Size of the object as the store says it, which need not be what the manifest says. */
  readonly bytes: number;
}

/** Reads what this archive has: its fallbacks are not asked. */
export function foundSource(archive: Archive, ref: ExportRef, found: FoundBundle, signal: AbortSignal): ByteSource {
  const key = bundleKey(ref.path, ref.exportId, found.name);
  const { remote } = archive;
  return {
    name: found.name,
    bytes: found.bytes,
    read: (offset, length, into) =>
      remote.readRange(key, { offset, length }, { signal, ...(into !== undefined && { into }) }),
    stream: (offset, length) => remote.stream(key, { offset, length }, { signal }),
    close: () => Promise.resolve(),
  };
}

/** As `foundSource`, for reading everything from the front to the end. */
export function wholeSource(archive: Archive, ref: ExportRef, found: FoundBundle, signal: AbortSignal): ByteSource {
  const source = foundSource(archive, ref, found, signal);
  if (!archive.remote.isDistant) return source;
  const ranges = [{ offset: 0, length: found.bytes }];
  return readAhead(source, { ranges, requestBytes: REQUEST_BYTES, aheadBytes: AHEAD_BYTES });
}
