/**
 * Reads stored bytes of a bundle ahead of who asks for them, neighbouring ones in one request: over a distance each
 * request costs a round trip, however little it reads. It knows byte ranges, not frames.
 */
import type { Archive } from '../archive/archive.js';
import type { ByteSource } from '../bundle/byte-source.js';

export interface StoredRange {
  readonly offset: number;
  readonly length: number;
}

export interface ReadAheadOptions {
  /** What will be asked for, in order, without overlaps. Anything else is read when it is asked for. */
  readonly ranges: readonly StoredRange[];
  /** What one request reads at most. */
  readonly requestBytes: number;
  /** What is read ahead, and held, at most; one request at least. */
  readonly aheadBytes: number;
}

/** Whether reads of an archive may each cost a round trip. Where one has fallbacks, they may be far away. */
export function isFar({ remote, fallbacks }: Archive): boolean {
  return remote.isDistant || fallbacks.length > 0;
}

/** The source with its reads planned. Whoever reads goes forward; what was passed is let go. */
export function readAhead(source: ByteSource, options: ReadAheadOptions): ByteSource {
  const reader = new AheadReader(source, options);
  return {
    name: source.name,
    bytes: source.bytes,
    read: (offset, length) => reader.read(offset, length),
    stream: (offset, length) => source.stream(offset, length),
    close: async () => {
      await reader.settle();
      await source.close();
    },
  };
}

/** Ranges that are read in one go where only so little stands between them. */
const GAP_BYTES = 256 * 1024;

/** Adds a range to those before it, which begin no later. Changes the list. */
export function addRange(ranges: StoredRange[], { offset, length }: StoredRange): void {
  const last = ranges.at(-1);
  if (last === undefined || offset > last.offset + last.length + GAP_BYTES || offset < last.offset) {
    ranges.push({ offset, length });
    return;
  }
  ranges[ranges.length - 1] = {
    offset: last.offset,
    length: Math.max(last.length, offset + length - last.offset),
  };
}

interface Piece extends StoredRange {
  /** Undefined before it is asked for, and after it was passed. */
  bytes?: Promise<Buffer>;
  isPassed: boolean;
}

class AheadReader {
  readonly #source: ByteSource;
  readonly #aheadBytes: number;
  readonly #pieces: readonly Piece[];
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(source: ByteSource, { ranges, requestBytes, aheadBytes }: ReadAheadOptions) {
    this.#source = source;
    this.#aheadBytes = aheadBytes;
    this.#pieces = ranges
      .flatMap((range) => [...cut(range, requestBytes)])
      .sort((a, b) => a.offset - b.offset)
      .map((range) => ({ ...range, isPassed: false }));
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const first = this.#indexAt(offset);
    const needed = first === undefined ? undefined : this.#covering(first, offset, offset + length);
    if (first === undefined || needed === undefined) return await this.#source.read(offset, length);
    this.#letGoBefore(first);
    this.#begin(first, first + needed.length - 1);
    const parts = needed.map(async (piece) => {
      const bytes = await piece.bytes;
      const from = Math.max(0, offset - piece.offset);
      return bytes?.subarray(from, Math.min(piece.length, offset + length - piece.offset)) ?? Buffer.alloc(0);
    });
    const [only, ...more] = await Promise.all(parts);
    return only !== undefined && more.length === 0 ? only : Buffer.concat([only ?? Buffer.alloc(0), ...more]);
  }

  /** Resolves when nothing it began runs on. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  /** The piece that holds this byte. */
  #indexAt(offset: number): number | undefined {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#pieces[middle]?.offset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const piece = this.#pieces[low];
    return piece !== undefined && offset >= piece.offset && offset < piece.offset + piece.length ? low : undefined;
  }

  /** The pieces that hold the range together; undefined where they do not, or one of them was passed. */
  #covering(first: number, offset: number, end: number): readonly Piece[] | undefined {
    const found: Piece[] = [];
    let at = offset;
    for (let index = first; at < end; index += 1) {
      const piece = this.#pieces[index];
      if (piece === undefined || piece.isPassed || piece.offset > at) return undefined;
      found.push(piece);
      at = piece.offset + piece.length;
    }
    return found;
  }

  /** Only what was begun: the end of a bundle, with its seek table, is read before its beginning. */
  #letGoBefore(index: number): void {
    for (let before = index - 1; before >= 0; before -= 1) {
      const piece = this.#pieces[before];
      if (piece === undefined || piece.isPassed) return;
      if (piece.bytes === undefined) continue;
      delete piece.bytes;
      piece.isPassed = true;
    }
  }

  #begin(first: number, last: number): void {
    let held = 0;
    for (let index = first; index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index];
      if (piece === undefined) return;
      held += piece.length;
      if (index > last && held > this.#aheadBytes) return;
      if (piece.bytes !== undefined || piece.isPassed) continue;
      piece.bytes = this.#source.read(piece.offset, piece.length);
      // It throws where it is awaited; a piece that is never asked for must not end the process.
      const ended = piece.bytes.catch(() => undefined).finally(() => this.#underWay.delete(ended));
      this.#underWay.add(ended);
    }
  }
}

function* cut({ offset, length }: StoredRange, requestBytes: number): Generator<StoredRange> {
  for (let at = 0; at < length; at += requestBytes) {
    yield { offset: offset + at, length: Math.min(requestBytes, length - at) };
  }
}
