/** Estimates the stored size of an export from samples of its files, for a dry run. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { sampleRatio } from '../../bundle/frame-encoder.js';
import type { ExportSelection, SourceEntry } from '../../lake/contract.js';

const SAMPLED_FILES = 24;
const SAMPLE_BYTES = 64 * 1024;
/** A tar header and half a block of padding; they compress to about a tenth. */
const TAR_BYTES_PER_FILE = 768;
const TAR_RATIO = 0.1;
/** Tag files, seek table. */
const BUNDLE_BYTES = 4096;

/** Bytes. Files are picked at even distances, weighed by their size. */
export async function estimateStoredBytes(lake: string, { entries }: ExportSelection): Promise<number> {
  const stride = Math.max(1, Math.floor(entries.files / SAMPLED_FILES));
  const sums = { bytes: 0, stored: 0 };
  let index = 0;
  for await (const entry of entries) {
    if (entry.type !== 'file' || entry.bytes === 0) continue;
    if (index % stride === 0) {
      const ratio = await ratioOf(lake, entry);
      sums.bytes += entry.bytes;
      sums.stored += entry.bytes * ratio;
    }
    index += 1;
  }
  const ratio = sums.bytes === 0 ? 1 : sums.stored / sums.bytes;
  return Math.round(entries.bytes * ratio + entries.files * TAR_BYTES_PER_FILE * TAR_RATIO + BUNDLE_BYTES);
}

/** 1 for a file that cannot be read: a plan does not fail for it. */
async function ratioOf(lake: string, entry: SourceEntry): Promise<number> {
  try {
    const handle = await open(path.join(lake, entry.path), 'r');
    try {
      const length = Math.min(SAMPLE_BYTES, entry.bytes);
      const start = Math.floor((entry.bytes - length) / 2);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, start);
      return await sampleRatio(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return 1;
  }
}
