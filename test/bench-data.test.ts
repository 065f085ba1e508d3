/** The data sets that a benchmark makes for itself: as large as they say, and the same every time. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DATA_SETS, provideLake, sizeOf } from '../bench/data-sets.js';
import { mapBytes, permutationOf, randomOf } from '../bench/generate/random.js';
import { textChunks } from '../bench/generate/text.js';

describe('made data', () => {
  test('is the same again', () => {
    const made = (format: 'csv' | 'jsonl', seed: number) =>
      Buffer.concat([...textChunks(format, seed, 5000)]).toString();
    expect(made('csv', 1)).toBe(made('csv', 1));
    expect(made('csv', 1)).not.toBe(made('csv', 2));
  });
  test('is whole rows, as many bytes as were wanted and hardly more', () => {
    const text = Buffer.concat([...textChunks('jsonl', 3, 20_000)]).toString();
    expect(text.length).toBeGreaterThanOrEqual(20_000);
    expect(text.length).toBeLessThan(20_500);
    for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('id');
  });
  test.each(['json-gz', 'text', 'one-file', 'tiny', 'partitions'])(
    '%s has its size, and the same bytes again',
    async (name) => {
      const dataSet = DATA_SETS.find((one) => one.name === name)!;
      const folder = mkdtempSync(path.join(tmpdir(), 'lakepack-bench-data-'));
      try {
        const [first, second] = [path.join(folder, 'first'), path.join(folder, 'second')];
        for (const lake of [first, second]) await provideLake(dataSet, lake, 0.0001);
        const digests = [first, second].map((lake) =>
          filesBelow(lake).map(({ name: file, bytes }) => [file, sha256(bytes)]),
        );
        expect(digests[0]!.length).toBeGreaterThan(0);
        expect(digests[1]).toEqual(digests[0]);
        const files = filesBelow(first);
        const wanted = { 'json-gz': 2, text: 1, 'one-file': 1, tiny: 10, partitions: 1 }[name];
        expect(files).toHaveLength(wanted!);
        expect(sizeOf(first)).toEqual({
          files: wanted,
          bytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
  test('of another copy keeps which bytes are equal, and nothing else', () => {
    const table = permutationOf(randomOf(5));
    expect([...table].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 256 }, (_, index) => index));
    const [first, second, third] = mapBytes(Buffer.from([7, 9, 7]), table);
    expect([first === third, first === second]).toEqual([true, false]);
  });
});

function filesBelow(folder: string): { readonly name: string; readonly bytes: Buffer }[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry) => path.join(entry.parentPath, entry.name)).toSorted();
  return files.map((file) => ({ name: path.relative(folder, file), bytes: readFileSync(file) }));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
