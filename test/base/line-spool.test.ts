import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { LineSpool } from '../../src/base/line-spool.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-spool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function spoolOf(lines: Iterable<string>, memoryBytes?: number, scratchDir = folder): LineSpool {
  const spool = new LineSpool({ scratchDir, ...(memoryBytes !== undefined && { memoryBytes }) });
  for (const line of lines) spool.append(line);
  return spool;
}

async function linesOf(spool: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of spool) lines.push(line);
  return lines;
}

function* numbered(count: number, width: number): Generator<string> {
  for (let n = 0; n < count; n += 1) yield `${n} `.padEnd(width, 'é');
}

describe('what was appended comes back', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed().replaceAll('\n', ''));

  test('from memory and from the scratch file, empty lines too, as often as asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.integer({ min: 0, max: 100 }), async (lines, memory) => {
        const spool = spoolOf(lines, memory);
        expect(spool.count).toBe(lines.length);
        expect(spool.bytes).toBe(Buffer.byteLength(lines.map((one) => `${one}\n`).join('')));
        expect(await linesOf(spool)).toEqual(lines);
        expect(await linesOf(spool)).toEqual(lines);
        spool.dispose();
      }),
    );
  });

  test('also where lines and characters cross the pieces of the file', async () => {
    const spool = spoolOf(numbered(5_000, 1_001), 10_000);
    let n = 0;
    for await (const one of spool) {
      if (one !== `${n} `.padEnd(1_001, 'é')) expect.fail(`line ${n}`);
      n += 1;
    }
    expect(n).toBe(5_000);
    spool.dispose();
  });

  test('when lines were appended many at once', async () => {
    const spool = spoolOf([], 20);
    spool.appendLines('', 0);
    spool.appendLines('a\n\nc\n', 3);
    spool.append('d');
    spool.appendLines('\n', 1);
    spool.appendLines(`${'long '.repeat(10)}\n`, 1);
    const lines = ['a', '', 'c', 'd', '', 'long '.repeat(10)];
    expect(spool.count).toBe(lines.length);
    expect(await linesOf(spool)).toEqual(lines);
    const text = lines.map((one) => `${one}\n`).join('');
    expect(spool.bytes).toBe(Buffer.byteLength(text));
    const chunks: Buffer[] = [];
    for await (const chunk of spool.chunks()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(text);
    spool.dispose();
  });

  test.each([0, 1e6])(
    'when they were taken over from others, which are empty then (%i bytes in memory)',
    async (memory) => {
      const all = spoolOf([], memory);
      const [one, two] = [spoolOf(numbered(2_500, 20), memory), spoolOf(['x', ''], memory)];
      await all.take(one);
      await all.take(two);
      expect(await linesOf(all)).toEqual([...numbered(2_500, 20), 'x', '']);
      expect(all.count).toBe(2_502);
      expect(await linesOf(one)).toEqual([]);
      for (const spool of [all, one, two]) spool.dispose();
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('to two readers at once', async () => {
    const spool = spoolOf(numbered(2_000, 600), 1_000);
    const [one, two] = await Promise.all([linesOf(spool), linesOf(spool)]);
    expect(one).toEqual([...numbered(2_000, 600)]);
    expect(two).toEqual(one);
    spool.dispose();
  });

  test('to a reader that stops early, and again to the next', async () => {
    const spool = spoolOf(numbered(100, 100), 50);
    for await (const first of spool) {
      expect(first.startsWith('0 ')).toBe(true);
      break;
    }
    expect(await linesOf(spool)).toHaveLength(100);
    spool.dispose();
  });

  test('more lines than are written at once, by themselves and many in a text', async () => {
    const lines = [...numbered(20_000, 100)];
    const spool = new LineSpool({ scratchDir: folder, memoryBytes: 1_000_000 });
    for (let at = 0; at < lines.length; at += 500) {
      const some = lines.slice(at, at + 500);
      if (at % 1_000 === 0) spool.appendLines(`${some.join('\n')}\n`, some.length);
      else some.forEach((line) => spool.append(line));
    }
    const text = `${lines.join('\n')}\n`;
    expect(spool.bytes).toBe(Buffer.byteLength(text));
    expect((await linesOf(spool)).join('\n') + '\n' === text).toBe(true);
    const chunks: Buffer[] = [];
    for await (const chunk of spool.chunks()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString() === text).toBe(true);
    spool.dispose();
  });

  test('a line of many megabytes', async () => {
    const long = 'é'.repeat(3_000_000);
    const spool = spoolOf(['a', long, 'b'], 1);
    expect((await linesOf(spool)).map(({ length }) => length)).toEqual([1, 3_000_000, 1]);
    spool.dispose();
  });
});

describe('the scratch file', () => {
  test('is made when memory is full, in a folder that is made then, and removed at the end', async () => {
    const scratch = path.join(folder, 'made', 'when needed');
    const spool = new LineSpool({ scratchDir: scratch, memoryBytes: 100 });
    for (const line of numbered(5, 10)) spool.append(line);
    expect(readdirSync(folder)).not.toContain('made');
    for (const line of numbered(50, 10)) spool.append(line);
    expect(readdirSync(scratch)).toHaveLength(1);
    expect(await linesOf(spool)).toHaveLength(55);
    spool.dispose();
    spool.dispose();
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('keeps memory flat', () => {
    const before = process.memoryUsage().heapUsed;
    const spool = spoolOf(numbered(600_000, 100), 1_000_000);
    expect(spool.bytes).toBeGreaterThan(100_000_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(70_000_000);
    spool.dispose();
  });

  test('of two spools in one folder are two', async () => {
    const [one, two] = [spoolOf(['a', 'b'], 0), spoolOf(['c', 'd'], 0)];
    expect([await linesOf(one), await linesOf(two)]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    one.dispose();
    expect(await linesOf(two)).toEqual(['c', 'd']);
    two.dispose();
  });
});
