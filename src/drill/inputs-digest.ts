/** The identity of the input files of a table: what a fingerprint of lake scope holds for. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';
import { comparePathBytes, showPath, toDiskPath } from '../base/paths.js';
import { createContentDigest } from '../schema/content-digest.js';

const CHUNK_BYTES = 1024 * 1024;

/**
 * A content digest (format 5.2) over just these files, as they stand in a folder.
 * @param files lake paths, in any order.
 * @throws SOURCE_UNREADABLE, INTERRUPTED.
 */
export async function inputsDigestOf(lake: string, files: readonly string[], signal: AbortSignal): Promise<string> {
  const digest = createContentDigest();
  for (const file of [...files].sort(comparePathBytes)) {
    throwIfAborted(signal);
    digest.add(file, await hashFile(lake, file));
  }
  return digest.hex();
}

async function hashFile(lake: string, file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    const stream = createReadStream(toDiskPath(lake, file), { highWaterMark: CHUNK_BYTES });
    for await (const chunk of stream) hash.update(chunk as Buffer);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === undefined) throw cause;
    throw new LakepackError('SOURCE_UNREADABLE', `${showPath(file)}: cannot be read: ${code}`, { cause });
  }
  return hash.digest('hex');
}
