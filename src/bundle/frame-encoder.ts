/**
 * Turns the content of a frame into the stored frame (format 4.3): compressed, or raw blocks where a sample says that
 * compression gains nothing. The same content and level give the same bytes.
 */
import { compressFrame, compressFrameInto } from '../codec/zstd.js';
import { rawFrameBytes, writeRawFrame } from '../codec/zstd-frame.js';

const SAMPLE_SLICE_BYTES = 8 * 1024;
const SAMPLE_SLICES = 8;
const SAMPLE_LEVEL = 1;
/** A sample that keeps more than this share of its bytes is not worth compressing. */
const RAW_RATIO = 0.98;

/** From here on zstd finds the shortest form (btopt and above), which for lists too is shorter. */
const LEAST_THOROUGH_LEVEL = 16;
const LIST_LEVEL = 1;

/**
 * The level for lists of files, whose SHA-256 no level makes smaller: between them levels 2 to 15 find short matches
 * that cost more than they save. 25,000 lines: 1.24 MB at level 1, 1.38 at 3, 1.36 at 15, 1.10 at 19, which is given then.
 */
export function levelForLists(level: number): number {
  return level < LEAST_THOROUGH_LEVEL ? LIST_LEVEL : level;
}

/** @param level zstd level, 1 to 19. */
export async function encodeFrame(content: Buffer, level: number): Promise<Buffer> {
  const frame = Buffer.allocUnsafe(rawFrameBytes(content.length));
  return frame.subarray(0, await encodeFrameInto(content, level, frame));
}

/**
 * Writes the stored frame to the beginning of `target`, which has room for a raw one, and resolves with its length.
 * @param content must not change before this resolves; it may be the end of `target`, and is overwritten then.
 */
export async function encodeFrameInto(content: Buffer, level: number, target: Buffer): Promise<number> {
  const compressed = (await isCompressible(content)) ? await compressFrameInto(content, level, target) : undefined;
  return compressed ?? writeRawFrame(content, target);
}

/** Estimates the stored size of some content from its sample. For plans; the frame itself may come out differently. */
export async function sampleRatio(content: Buffer): Promise<number> {
  const sample = takeSample(content);
  if (sample.length === 0) return 1;
  return Math.min(1, (await compressFrame(sample, SAMPLE_LEVEL)).length / sample.length);
}

async function isCompressible(content: Buffer): Promise<boolean> {
  if (content.length <= SAMPLE_SLICE_BYTES * SAMPLE_SLICES) return true;
  return (await sampleRatio(content)) <= RAW_RATIO;
}

/** Slices from evenly spread places, so that one odd region does not decide. */
function takeSample(content: Buffer): Buffer {
  if (content.length <= SAMPLE_SLICE_BYTES * SAMPLE_SLICES) return content;
  const stride = (content.length - SAMPLE_SLICE_BYTES) / (SAMPLE_SLICES - 1);
  const slices = Array.from({ length: SAMPLE_SLICES }, (_, index) => {
    const start = Math.floor(index * stride);
    return content.subarray(start, start + SAMPLE_SLICE_BYTES);
  });
  return Buffer.concat(slices);
}
