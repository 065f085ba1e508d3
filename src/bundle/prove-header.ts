/**
 * Makes the header of most entries again and again in one buffer: a proof compares one for every file, and building each
 * anew takes longer than hashing a small file. What it makes is what `encodeEntryHeader` makes, to the byte.
 */
import { encodeEntryHeader, type TarEntryHeader } from '../codec/tar.js';
import { NAME_BYTES, OCTAL_FIELD_LIMIT } from '../codec/tar-block.js';

const CHECKSUM_AT = 148;
const SIZE_AT = 124;
const MTIME_AT = 136;
const TYPEFLAG_AT = 156;
const PREFIX_AT = 345;
const PREFIX_BYTES = 155;
const ZERO = 0x30;

export class HeaderMaker {
  readonly #file = blank({ type: 'file', executable: false });
  readonly #executable = blank({ type: 'file', executable: true });

  /** The header, valid until the next is made. Throws as `encodeEntryHeader`. */
  make(entry: TarEntryHeader): Buffer {
    const { path, type, bytes, mtime, executable } = entry;
    const split = type === 'file' && isOctal(bytes) && isOctal(mtime) && isPlain(path) ? splitAt(path) : undefined;
    if (split === undefined) return encodeEntryHeader(entry);
    const { block, sum } = executable ? this.#executable : this.#file;
    const nameAt = split === 0 ? 0 : split + 1;
    const added =
      writeText(block, 0, NAME_BYTES, path, nameAt, path.length) +
      writeText(block, PREFIX_AT, PREFIX_BYTES, path, 0, split) +
      writeOctal(block, SIZE_AT, 11, bytes) +
      writeOctal(block, MTIME_AT, 11, mtime);
    writeOctal(block, CHECKSUM_AT, 6, sum + added);
    return block;
  }
}

interface Blank {
  readonly block: Buffer;
  /** Of all bytes but name, prefix, size and time; the checksum counts as blanks. */
  readonly sum: number;
}

function blank(kind: Pick<TarEntryHeader, 'type' | 'executable'>): Blank {
  const block = encodeEntryHeader({ ...kind, path: 'x', bytes: 0, mtime: 0 });
  block.fill(0, 0, NAME_BYTES);
  let sum = 8 * 0x20;
  const isVaried = (at: number): boolean =>
    at >= SIZE_AT && at < TYPEFLAG_AT && at !== SIZE_AT + 11 && at !== MTIME_AT + 11;
  for (const [at, byte] of block.entries()) sum += isVaried(at) ? 0 : byte;
  return { block, sum };
}

function isOctal(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < OCTAL_FIELD_LIMIT;
}

/** ASCII, and nothing that `encodeEntryHeader` would refuse. */
function isPlain(path: string): boolean {
  return /^[ -~]*[ -.0-~]$/.test(path);
}

/** The length of the prefix, 0 where none is needed; undefined where the path does not fit. As `splitPath` of tar.ts. */
function splitAt(path: string): number | undefined {
  if (path.length <= NAME_BYTES) return 0;
  const slash = path.indexOf('/', path.length - NAME_BYTES - 1);
  return slash < 1 || slash > PREFIX_BYTES ? undefined : slash;
}

/** Writes ASCII and zeros behind it; returns the sum of what was written. */
function writeText(block: Buffer, at: number, size: number, text: string, from: number, to: number): number {
  let sum = 0;
  let end = at;
  for (let index = from; index < to; index += 1) {
    const code = text.charCodeAt(index);
    block[end] = code;
    sum += code;
    end += 1;
  }
  for (; end < at + size; end += 1) block[end] = 0;
  return sum;
}

function writeOctal(block: Buffer, at: number, digits: number, value: number): number {
  let sum = 0;
  let rest = value;
  for (let index = at + digits - 1; index >= at; index -= 1) {
    // Sizes reach beyond the 32 bits that `&` and `>>` know.
    const next = Math.floor(rest / 8);
    const code = ZERO + (rest - next * 8);
    block[index] = code;
    sum += code;
    rest = next;
  }
  return sum;
}
