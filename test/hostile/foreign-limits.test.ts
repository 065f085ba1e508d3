/** What archives made elsewhere may ask for: bombs that no file of `hostile-tars` is. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/bundle/byte-source.js';
import { readForeign } from '../../src/bundle/foreign.js';
import { encodeEntryHeader, END_OF_ARCHIVE } from '../../src/codec/tar.js';
import { unpack } from '../../src/index.js';
import { scratchFolder } from './material.js';

const scratch = scratchFolder();

/** An archive that is never in memory as a whole. */
function sourceOf(name: string, chunks: () => Iterable<Buffer>): ByteSource {
  return {
    name,
    bytes: 1 << 30,
    read: () => Promise.reject(new Error('not read in parts')),
    stream: async function* () {
      yield* chunks();
    },
    close: () => Promise.resolve(),
  };
}

async function countEntries(source: ByteSource): Promise<number> {
  let entries = 0;
  for await (const event of readForeign(source)) entries += event.type === 'entry' ? 1 : 0;
  return entries;
}

/** A zstd frame of RLE blocks of 128 KiB (RFC 8878 3.1.1.2.2), window 8 MiB. */
function bombFrame(contentBytes: number): Buffer {
  const count = contentBytes / (128 * 1024);
  const blocks = Buffer.alloc(4 * count);
  for (let at = 0; at < count; at += 1) {
    blocks.writeUInt32LE((((128 * 1024) << 3) | (1 << 1) | (at === count - 1 ? 1 : 0)) & 0xffffff, at * 4);
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x68]), blocks]);
}

describe('an archive made elsewhere', () => {
  test('may not hold a frame that decodes to more than 128 MiB', async () => {
    const file = path.join(scratch, 'one-frame.tar.zst');
    fs.writeFileSync(file, bombFrame(4 * 1024 ** 3));
    const into = path.join(scratch, 'one-frame');
    const refused = unpack({ bundleFiles: [file], into, foreign: true });
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(fs.existsSync(into)).toBe(false);
  });

  test('may not become a thousand times larger in many small frames', async () => {
    const file = path.join(scratch, 'many-frames.tar.zst');
    const header = encodeEntryHeader({
      path: 'zeros',
      type: 'file',
      bytes: 8 * 1024 ** 3,
      mtime: 0,
      executable: false,
    });
    const frameHeader = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x68]);
    const block = Buffer.alloc(3);
    block.writeUIntLE((header.length << 3) | 1, 0, 3);
    const frames = Array.from({ length: 100 }, () => bombFrame(1024 ** 2));
    fs.writeFileSync(file, Buffer.concat([frameHeader, block, header, ...frames]));
    const into = path.join(scratch, 'many-frames');
    const refused = unpack({ bundleFiles: [file], into, foreign: true });
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(fs.readdirSync(scratch).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('may not hold more names than memory can', async () => {
    const folders = Array.from({ length: 15 }, (_, index) => String(index).repeat(250).slice(0, 250)).join('/');
    function* chunks(): Generator<Buffer> {
      for (let number = 0; number < 1_000_000; number += 1) {
        yield encodeEntryHeader({ path: `${folders}/${number}`, type: 'file', bytes: 0, mtime: 0, executable: false });
      }
      yield END_OF_ARCHIVE;
    }
    await expect(countEntries(sourceOf('names.tar', chunks))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(process.memoryUsage().heapUsed).toBeLessThan(400 * 1024 ** 2);
  });
});
