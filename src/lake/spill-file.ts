/**
 * A scratch file for lines that do not fit into memory: written in pieces, read again piece by piece. It knows
 * nothing of what the lines say.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { KIB } from '../base/limits.js';

/** A piece of the file: whole lines. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface SpillFile {
  /** Adds lines (without line feeds in them). Throws DISK_FULL, INTERNAL. */
  append(lines: readonly string[]): Extent;
  /** The lines of a piece. Several may be read at a time. */
  lines(extent: Extent): AsyncIterable<string>;
  dispose(): void;
}

const READ_BYTES = 256 * KIB;
const read = promisify(fs.read);

/** The file is made when the first lines come, in a folder that exists, and loses its name at once: a kill leaves nothing. */
export function openSpillFile(folder: string): SpillFile {
  let handle: number | undefined;
  let length = 0;
  return {
    append(lines) {
      handle ??= openNameless(folder);
      const extent = { offset: length, length: writeAll(handle, lines.map((line) => `${line}\n`).join(''), length) };
      length += extent.length;
      return extent;
    },
    async *lines(extent) {
      if (handle === undefined) return;
      yield* readLines(handle, extent);
    },
    dispose() {
      if (handle !== undefined) fs.closeSync(handle);
      handle = undefined;
    },
  };
}

function openNameless(folder: string): number {
  const file = path.join(folder, `lakepack-${randomUUID()}.spill`);
  const handle = inScratch(folder, () => fs.openSync(file, 'wx+', 0o600));
  inScratch(folder, () => fs.unlinkSync(file));
  return handle;
}

function writeAll(handle: number, text: string, position: number): number {
  const data = Buffer.from(text);
  let written = 0;
  while (written < data.length) {
    written += inScratch('scratch file', () =>
      fs.writeSync(handle, data, written, data.length - written, position + written),
    );
  }
  return written;
}

function inScratch<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const code = systemErrorCode(cause) === 'ENOSPC' ? 'DISK_FULL' : 'INTERNAL';
    const got = systemErrorCode(cause) ?? 'an error';
    throw new LakepackError(code, `${where}: cannot be written: expected room for a list of files, got ${got}`, {
      cause,
    });
  }
}

async function* readLines(handle: number, { offset, length }: Extent): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for (let at = 0; at < length;) {
    const size = Math.min(READ_BYTES, length - at);
    const { bytesRead, buffer } = await read(handle, Buffer.allocUnsafe(size), 0, size, offset + at);
    if (bytesRead === 0) throw new LakepackError('INTERNAL', 'scratch file: is cut: expected more lines, got its end');
    at += bytesRead;
    const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const end = data.lastIndexOf(0x0a) + 1;
    rest = data.subarray(end);
    if (end > 0) yield* data.toString('utf8', 0, end - 1).split('\n');
  }
}
