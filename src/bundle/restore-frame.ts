/**
 * A job: restores the small files of one frame. It decodes the frame, compares each file with its SHA-256 and writes
 * it into the staging folder, with synchronous calls: on a thread they cost least, and nothing else waits there.
 */
import { sha256Of } from '../base/sha256.js';
import type { FramePlace } from './frame-index.js';
import { decodeFrame } from './frame-reader.js';
import type { SharedRange } from './hash-range.js';
import { FileWriter, wrongBytes, type FileRow, type RestorePlace } from './restore-frame-file.js';

/** A frame in shared memory, and where it belongs. */
export interface StoredFrame {
  readonly stored: SharedRange;
  readonly place: FramePlace;
  /** Name of the bundle, for messages. */
  readonly bundle: string;
}

export interface FrameOfFiles extends RestorePlace {
  /** Undefined where all files are empty. */
  readonly frame: StoredFrame | undefined;
  /** JSON of {@link FileRow}s, sorted by path, whose payloads lie in the frame. */
  readonly rows: string;
}

/** Lake paths of folders that got files, and are to be synced. */
export interface RestoredFolders {
  readonly folders: readonly string[];
}

/** Throws ZSTD_INVALID, LIMIT_EXCEEDED, HASH_MISMATCH, DISK_FULL …; files before the one that failed may be there. */
export async function restoreFrame({ frame, rows, root, isResumed }: FrameOfFiles): Promise<RestoredFolders> {
  const content = frame === undefined ? Buffer.alloc(0) : await decodeStored(frame);
  const tarOffset = frame?.place.tarOffset ?? 0;
  const writer = new FileWriter({ root, isResumed });
  for (const row of JSON.parse(rows) as FileRow[]) {
    const [lakePath, offset, bytes, expected] = row;
    const start = bytes === 0 ? 0 : offset - tarOffset;
    const payload = content.subarray(start, start + bytes);
    const found = sha256Of(payload);
    if (found !== expected) throw wrongBytes(frame?.bundle ?? '', lakePath, expected, found);
    writer.write(row, payload);
  }
  return { folders: writer.folders };
}

/** The content of a frame. Throws ZSTD_INVALID, LIMIT_EXCEEDED. */
export async function decodeStored({ stored, place, bundle }: StoredFrame): Promise<Buffer> {
  return await decodeFrame(Buffer.from(stored.memory, stored.offset, stored.length), place, bundle);
}
