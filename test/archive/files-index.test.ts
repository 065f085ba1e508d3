import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFilesIndex, writeFilesIndex } from '../../src/archive/files-index.js';
import { compressFrame } from '../../src/codec/zstd.js';
import { rawFrame, splitFrames } from '../../src/codec/zstd-frame.js';
import type { FileEntry, FilesIndexFacts } from '../../src/schema/export-manifest.js';
import { serializeFileEntry } from '../../src/schema/serialize-manifest.js';
import { collect, inOrder, sha256Of } from '../bundle/kit.js';
import { chop, codeOf } from '../codec/chunks.js';
import { fileEntry } from '../schema/arbitraries.js';

const MIB = 1024 * 1024;

function entry(n: number): FileEntry {
  const path = `silver/x/${String(n).padStart(9, '0')}.parquet`;
  const stored = { offset: n, length: 100, skip: 512 };
  return { path, bytes: n, sha256: sha256Of(String(n)), mtime: n, bundle: 1, offset: 512 * (n + 1), stored };
}
const ENTRIES = Array.from({ length: 5_000 }, (_, n) => entry(n));

async function indexOf(
  entries: readonly FileEntry[],
  level = 3,
  chunk = 65_536,
): Promise<{ bytes: Buffer; facts: FilesIndexFacts }> {
  const lines = Buffer.from(entries.map((one) => `${serializeFileEntry(one)}\n`).join(''));
  const bytes = Buffer.concat(await collect(writeFilesIndex(inOrder(chop(lines, [chunk])), level)));
  return { bytes, facts: factsOf(bytes, entries.length) };
}

function factsOf(bytes: Buffer, entries: number): FilesIndexFacts {
  return { name: 'x.files.jsonl.zst', bytes: bytes.length, sha256: sha256Of(bytes), entries };
}

async function read(bytes: Buffer, facts: FilesIndexFacts, chunk = 10_000): Promise<FileEntry[]> {
  return await collect(readFilesIndex(inOrder(chop(bytes, [chunk])), facts, 'x'));
}

describe('a round trip', () => {
  test('of 5,000 entries, in any chunks', async () => {
    const { bytes, facts } = await indexOf(ENTRIES);
    for (const chunk of [97, 10_000, bytes.length]) expect(await read(bytes, facts, chunk)).toEqual(ENTRIES);
    expect(bytes.length).toBeLessThan(400_000);
  });

  test('of any entries, unknown fields too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fileEntry, { minLength: 1, maxLength: 10 }), async (entries) => {
        const { bytes, facts } = await indexOf(entries);
        expect(await read(bytes, facts, 7)).toEqual(entries);
      }),
    );
  });

  test('the same entries give the same bytes, in frames of a bounded size', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => entry(n));
    const { bytes, facts } = await indexOf(many);
    for (const chunk of [1_000, 100 * MIB]) expect((await indexOf(many, 3, chunk)).facts).toEqual(facts);
    const frames = await collect(splitFrames(inOrder([bytes]), { maxFrameStoredBytes: 2 * MIB, subject: 'x' }));
    expect(frames.length).toBeGreaterThan(3);
    for (const { facts: frame } of frames) expect(frame.contentBytes).toBeLessThan(2 * MIB);
  });

  test('a level that suits data gives lists of hashes the fastest one, a thorough one is obeyed', async () => {
    const [fast, common, thorough] = await Promise.all([1, 3, 19].map((level) => indexOf(ENTRIES, level)));
    expect(common?.facts).toEqual(fast?.facts);
    expect(thorough?.facts).not.toEqual(fast?.facts);
  });

  test('a line of 3 MiB', async () => {
    const columns = Array.from({ length: 60_000 }, (_, n) => ({ name: `column number ${n}`, type: 'BYTE_ARRAY' }));
    const wide = { ...entry(1), content: { format: 'parquet' as const, columns } };
    const { bytes, facts } = await indexOf([entry(0), wide, entry(2)]);
    expect(await read(bytes, facts)).toEqual([entry(0), wide, entry(2)]);
  });
});

describe('memory', () => {
  test('stays flat over 300,000 entries, writing and reading', async () => {
    async function* lines(): AsyncGenerator<Buffer> {
      for (let n = 0; n < 300_000; n += 1)
        yield Buffer.from(
          `{"path":"${n}","bytes":0,"mtime":0,"type":"directory","bundle":1,"offset":512,"stored":{"offset":0,"length":1,"skip":0}}\n`,
        );
    }
    const stored = Buffer.concat(await collect(writeFilesIndex(lines(), 3)));
    const before = process.memoryUsage().heapUsed;
    let peak = 0;
    let count = 0;
    for await (const one of readFilesIndex(inOrder(chop(stored, [65_536])), factsOf(stored, 300_000), 'x')) {
      count += one.bytes === 0 ? 1 : 0;
      if (count % 20_000 === 0) peak = Math.max(peak, process.memoryUsage().heapUsed - before);
    }
    expect(count).toBe(300_000);
    expect(peak).toBeLessThan(150 * MIB);
  });

  test('a bomb, a line without end and a huge frame are refused', async () => {
    const bomb = await compressFrame(Buffer.alloc(64 * MIB, '{'), 3);
    expect(await codeOf(() => read(bomb, factsOf(bomb, 1)))).toBe('LIMIT_EXCEEDED');
    const piece = rawFrame(Buffer.alloc(MIB, 'x'));
    const endless = Buffer.concat(Array<Buffer>(12).fill(piece));
    expect(['MANIFEST_INVALID', 'LIMIT_EXCEEDED']).toContain(await codeOf(() => read(endless, factsOf(endless, 1))));
  });
});

describe('damage', () => {
  test('of any byte is told, at the latest at the end', async () => {
    const { bytes, facts } = await indexOf(ENTRIES.slice(0, 40));
    for (let at = 0; at < bytes.length; at += 1) {
      const bad = Buffer.from(bytes);
      bad.writeUInt8(bad.readUInt8(at) ^ (1 << (at % 8)), at);
      const code = await codeOf(() => read(bad, facts));
      if (!['HASH_MISMATCH', 'ZSTD_INVALID', 'MANIFEST_INVALID', 'LIMIT_EXCEEDED'].includes(code)) {
        expect.fail(`byte ${at}: ${code}`);
      }
    }
  });

  test('any end that is missing', async () => {
    const { bytes, facts } = await indexOf(ENTRIES.slice(0, 40));
    for (let length = 0; length < bytes.length; length += 1) {
      if ((await codeOf(() => read(bytes.subarray(0, length), facts))) === 'none') expect.fail(`${length} bytes`);
    }
  });

  test.each<readonly [string, (bytes: Buffer, facts: FilesIndexFacts) => readonly [Buffer, FilesIndexFacts], string]>([
    ['bytes more', (bytes, facts) => [Buffer.concat([bytes, rawFrame(Buffer.alloc(0))]), facts], 'HASH_MISMATCH'],
    ['another digest', (bytes, facts) => [bytes, { ...facts, sha256: sha256Of('') }], 'HASH_MISMATCH'],
    ['fewer entries than said', (bytes, facts) => [bytes, { ...facts, entries: facts.entries + 1 }], 'HASH_MISMATCH'],
    ['more entries than said', (bytes, facts) => [bytes, { ...facts, entries: facts.entries - 1 }], 'HASH_MISMATCH'],
    ['more bytes than said', (bytes, facts) => [bytes, { ...facts, bytes: facts.bytes - 1 }], 'HASH_MISMATCH'],
    ['fewer bytes than said', (bytes, facts) => [bytes, { ...facts, bytes: facts.bytes + 1 }], 'HASH_MISMATCH'],
  ])('%s', async (_name, change, code) => {
    const { bytes, facts } = await indexOf(ENTRIES.slice(0, 40));
    expect(await codeOf(() => read(...change(bytes, facts)))).toBe(code);
  });

  test.each([
    ['an entry without a path', '{"bytes":1}\n', 'MANIFEST_INVALID'],
    ['a path that leaves', `${serializeFileEntry({ ...entry(1), path: '../x' })}\n`, 'MANIFEST_INVALID'],
    ['no JSON', 'x\n', 'MANIFEST_INVALID'],
    ['an empty line', '\n', 'MANIFEST_INVALID'],
    ['a last line without an end', serializeFileEntry(entry(1)), 'MANIFEST_INVALID'],
    ['no UTF-8', Buffer.from('ff0a', 'hex'), 'MANIFEST_INVALID'],
  ])('%s, with facts that fit', async (_name, text, code) => {
    const bytes = rawFrame(Buffer.from(text));
    expect(await codeOf(() => read(bytes, factsOf(bytes, 1)))).toBe(code);
  });

  test('a byte order mark', async () => {
    const bytes = rawFrame(Buffer.from(`\ufeff${serializeFileEntry(entry(1))}\n`));
    expect(await codeOf(() => read(bytes, factsOf(bytes, 1)))).toBe('MANIFEST_INVALID');
  });

  test('a character cut off at the end of the last frame', async () => {
    const bytes = rawFrame(Buffer.concat([Buffer.from(`${serializeFileEntry(entry(1))}\n`), Buffer.from('c3', 'hex')]));
    expect(await codeOf(() => read(bytes, factsOf(bytes, 1)))).toBe('MANIFEST_INVALID');
  });
});
