/**
 * The object beside a manifest that holds its file entries when there are more than 2,000 (format 5.4): JSON lines in
 * zstd frames. Written and read as a stream.
 */
import { createHash } from 'node:crypto';
import { LakepackError } from '../base/errors.js';
import { FRAME_MAX_TAR_BYTES, MAX_LINE_BYTES } from '../base/limits.js';
import { levelForLists } from '../bundle/frame-encoder.js';
import { compressFrame, decompressFrame } from '../codec/zstd.js';
import { splitFrames } from '../codec/zstd-frame.js';
import type { FileEntry, FilesIndexFacts } from '../schema/export-manifest.js';
import { readPlainEntry } from '../schema/entry-line.js';
import { parseFileEntry } from '../schema/parse-manifest.js';

/** A frame of the index ends with the first line that reaches this, so it never exceeds what one may hold. */
const FRAME_TEXT_BYTES = 1024 * 1024;
const LINE_FEED = 10;
/** A promise for each would take as long as reading it; all of a frame as objects would take twenty times its memory. */
const ENTRIES_AT_ONCE = 256;

/**
 * Yields the stored bytes of an index, the same however its lines are cut into chunks.
 * @param lines serialized entries, each with its line feed.
 * @param level zstd level of the export.
 */
export async function* writeFilesIndex(lines: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer> {
  const listLevel = levelForLists(level);
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of lines) {
    let from = 0;
    while (bytes + chunk.length - from >= FRAME_TEXT_BYTES) {
      const full = from + FRAME_TEXT_BYTES - bytes;
      const end = chunk.indexOf(LINE_FEED, Math.max(from, full - 1)) + 1;
      if (end === 0) break;
      yield await compressFrame(Buffer.concat([...pieces, chunk.subarray(from, end)]), listLevel);
      [pieces, bytes, from] = [[], 0, end];
    }
    pieces.push(chunk.subarray(from));
    bytes += chunk.length - from;
  }
  if (bytes > 0) yield await compressFrame(Buffer.concat(pieces), listLevel);
}

/** Some entries in their order. */
export interface EntryBatch {
  readonly entries: readonly FileEntry[];
  /** Of each, its line in a bundle's `lakepack/files.jsonl`, where reading it gave that away. May be empty. */
  readonly embedded: readonly (string | undefined)[];
}

/** The entries of an index, one at a time. Throws as `readEntryBatches`. */
export async function* readFilesIndex(
  stored: AsyncIterable<Buffer>,
  facts: FilesIndexFacts,
  subject: string,
): AsyncGenerator<FileEntry> {
  for await (const { entries } of readEntryBatches(stored, facts, subject)) yield* entries;
}

/**
 * The entries of an index, some at a time. Throws HASH_MISMATCH at the end when its bytes are not those of the manifest,
 * and MANIFEST_INVALID, ZSTD_INVALID or LIMIT_EXCEEDED where they cannot be read at all.
 */
export async function* readEntryBatches(
  stored: AsyncIterable<Buffer>,
  facts: FilesIndexFacts,
  subject: string,
): AsyncGenerator<EntryBatch> {
  const hash = createHash('sha256');
  let bytes = 0;
  let entries = 0;
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const chunk of stored) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes > facts.bytes) throw mismatch(subject, `${facts.bytes} bytes`, 'more');
      yield chunk;
    }
  }
  for await (const lines of indexLines(hashed(), subject)) {
    for (let at = 0; at < lines.length; at += ENTRIES_AT_ONCE) {
      const { batch, failure } = parseLines(lines.slice(at, at + ENTRIES_AT_ONCE), subject, entries);
      entries += batch.entries.length;
      yield batch;
      if (failure !== undefined) throw failure.error;
    }
  }
  const digest = hash.digest('hex');
  if (bytes !== facts.bytes) throw mismatch(subject, `${facts.bytes} bytes`, String(bytes));
  if (digest !== facts.sha256) throw mismatch(subject, facts.sha256, digest);
  if (entries !== facts.entries) throw mismatch(subject, `${facts.entries} entries`, String(entries));
}

/** The entries before the first line that is none, and why it is none. @param before lines before these. */
function parseLines(
  lines: readonly string[],
  subject: string,
  before: number,
): { readonly batch: EntryBatch; readonly failure: { readonly error: unknown } | undefined } {
  const entries: FileEntry[] = [];
  const embedded: (string | undefined)[] = [];
  const batch = { entries, embedded };
  try {
    for (const line of lines) {
      const plain = readPlainEntry(line);
      entries.push(plain?.entry ?? parseFileEntry(line, `${subject} line ${before + entries.length + 1}`));
      embedded.push(plain?.embedded);
    }
    return { batch, failure: undefined };
  } catch (error) {
    return { batch, failure: { error } };
  }
}

/** Lines, a frame of them at a time. */
async function* indexLines(stored: AsyncIterable<Buffer>, subject: string): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = '';
  for await (const frame of splitFrames(stored, { maxFrameStoredBytes: 2 * FRAME_MAX_TAR_BYTES, subject })) {
    if (frame.facts.kind !== 'zstd') continue;
    const lines = (
      rest + decodeText(decoder, await decompressFrame(frame.bytes, 2 * FRAME_MAX_TAR_BYTES), subject)
    ).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES) throw unreadable(subject, 'a line is too long');
    yield lines;
  }
  rest += decodeText(decoder, undefined, subject);
  if (rest !== '') throw unreadable(subject, 'the last line has no end');
}

/** @param bytes undefined at the end: a character that is cut off there is no UTF-8 either. */
function decodeText(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer | undefined, subject: string): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch (cause) {
    throw new LakepackError('MANIFEST_INVALID', `${subject}: not UTF-8`, { cause });
  }
}

function unreadable(subject: string, what: string): LakepackError {
  return new LakepackError('MANIFEST_INVALID', `${subject}: ${what}`, { hint: 'take this object from another copy' });
}

function mismatch(subject: string, expected: string, found: string): LakepackError {
  return new LakepackError(
    'HASH_MISMATCH',
    `${subject}: the object is not the one the manifest names: expected ${expected}, got ${found}`,
    {
      hint: 'take this object from another copy of the archive',
    },
  );
}
