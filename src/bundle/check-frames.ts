/**
 * The first layer of a check: every stored byte is hashed, every frame is cut out, walked and decoded. A frame that
 * is damaged is reported and stepped over, so that what comes after it is still looked at.
 */
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { finding, type Finding, type FindingPlace } from '../base/findings.js';
import { FRAME_MAX_TAR_BYTES } from '../base/limits.js';
import { decompressFrame } from '../codec/zstd.js';
import { splitFrames, walkFrame } from '../codec/zstd-frame.js';
import { BlockHasher, type StoredHashes } from './block-hasher.js';
import type { ByteSource } from './byte-source.js';
import { decodeFrame, FRAME_MAX_STORED_BYTES, readSeekTable } from './frame-reader.js';
import { FrameIndex, type FramePlace } from './frame-index.js';

export interface FramePassOptions {
  readonly where: FindingPlace;
  readonly report: (finding: Finding) => void;
  readonly blockBytes: number;
  /** False: frames are walked, not decoded. */
  readonly decode: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
}

/** A frame in its turn. Without `content` it was damaged, and reported, or not decoded at all. */
export interface PassedFrame {
  readonly place: FramePlace;
  readonly content: Buffer | undefined;
}

export interface FramePassEnd {
  readonly hashes: StoredHashes;
  /** Undefined where there is no usable seek table. */
  readonly index: FrameIndex | undefined;
}

interface Job {
  readonly place: FramePlace;
  readonly stored: Buffer;
  readonly content: Promise<Buffer | Finding | undefined>;
}

/** Goes through a bundle from its first byte to its last; returns what it hashed. */
export async function* passFrames(
  source: ByteSource,
  options: FramePassOptions,
): AsyncGenerator<PassedFrame, FramePassEnd> {
  const index = await usableSeekTable(source, options);
  if (index === undefined) return yield* passWithoutTable(source, options);
  const hasher = new BlockHasher(options.blockBytes);
  const queue: Job[] = [];
  for (const place of index.frames) {
    throwIfAborted(options.signal);
    const stored = await source.read(place.storedOffset, place.storedBytes);
    queue.push({ place, stored, content: examine(stored, place, source.name, options) });
    const next = queue.length >= options.concurrency ? queue.shift() : undefined;
    if (next !== undefined) yield await settle(next, hasher, options);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield await settle(next, hasher, options);
  hasher.update(await source.read(index.storedBytes, source.bytes - index.storedBytes));
  return { hashes: hasher.finish(), index };
}

async function settle(job: Job, hasher: BlockHasher, options: FramePassOptions): Promise<PassedFrame> {
  hasher.update(job.stored);
  const content = await job.content;
  if (content === undefined || Buffer.isBuffer(content)) return { place: job.place, content };
  options.report(content);
  return { place: job.place, content: undefined };
}

/** The content of a frame, or the finding that says why there is none. Never rejects for bad data. */
async function examine(
  stored: Buffer,
  place: FramePlace,
  name: string,
  options: FramePassOptions,
): Promise<Buffer | Finding | undefined> {
  try {
    if (options.decode) return await decodeFrame(stored, place, name);
    walkWhole(stored, place, name);
    return undefined;
  } catch (error) {
    return frameFinding(error, place, options.where);
  }
}

function walkWhole(stored: Buffer, place: FramePlace, name: string): void {
  const facts = walkFrame(stored);
  if (facts?.kind === 'zstd' && facts.storedBytes === stored.length) return;
  throw new LakepackError(
    'ZSTD_INVALID',
    `${name} frame ${place.index}: expected one zstd frame of ${stored.length} bytes`,
  );
}

function frameFinding(error: unknown, place: FramePlace, where: FindingPlace): Finding {
  if (!(error instanceof LakepackError)) throw error;
  return finding(
    'FRAME_INVALID',
    error.message,
    { ...where, frame: place.index, storedOffset: place.storedOffset, tarOffset: place.tarOffset },
    { repair: 'take this bundle from another copy of the archive' },
  );
}

async function usableSeekTable(source: ByteSource, options: FramePassOptions): Promise<FrameIndex | undefined> {
  try {
    return await readSeekTable(source);
  } catch (error) {
    if (!(error instanceof LakepackError) || error.code !== 'SEEK_TABLE_INVALID') throw error;
    options.report(
      finding('SEEK_TABLE_INVALID', error.message, options.where, {
        repair: 'take this bundle from another copy; zstd -dc and tar may still read this one',
      }),
    );
    return undefined;
  }
}

/** Frame after frame from the front, as any zstd decoder does, until something is no frame. */
async function* passWithoutTable(
  source: ByteSource,
  options: FramePassOptions,
): AsyncGenerator<PassedFrame, FramePassEnd> {
  const hasher = new BlockHasher(options.blockBytes);
  for await (const chunk of source.stream(0, source.bytes)) hasher.update(chunk);
  const index = new FrameIndex();
  try {
    const limits = { maxFrameStoredBytes: FRAME_MAX_STORED_BYTES, subject: source.name };
    for await (const { facts, bytes, offset } of splitFrames(source.stream(0, source.bytes), limits)) {
      throwIfAborted(options.signal);
      if (facts.kind !== 'zstd') continue;
      const content = await decompressFrame(bytes, FRAME_MAX_TAR_BYTES);
      const place = { ...index.add(content.length, bytes.length), storedOffset: offset };
      yield { place, content: options.decode ? content : undefined };
    }
  } catch (error) {
    const place = {
      index: index.length,
      tarOffset: index.tarBytes,
      tarBytes: 0,
      storedOffset: index.storedBytes,
      storedBytes: 0,
    };
    options.report(frameFinding(error, place, options.where));
  }
  return { hashes: hasher.finish(), index: undefined };
}
