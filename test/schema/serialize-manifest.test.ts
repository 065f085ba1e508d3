import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseEmbeddedFileEntry,
  parseEmbeddedManifest,
  parseFileEntry,
  parseManifest,
} from '../../src/schema/parse-manifest.js';
import {
  serializeEmbeddedManifest,
  serializeFileEntry,
  serializeManifest,
} from '../../src/schema/serialize-manifest.js';
import { embeddedFileEntry, embeddedManifest, exportManifest, fileEntry } from './arbitraries.js';
import { sampleEntries, sampleManifest } from './sample.js';

describe('what is written is read back, unknown fields included', () => {
  test('a manifest', () => {
    fc.assert(
      fc.property(exportManifest, (manifest) => {
        const bytes = serializeManifest(manifest);
        const back = parseManifest(bytes, 'x');
        expect(isDeepStrictEqual(back, manifest)).toBe(true);
        expect(serializeManifest(back)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('an embedded manifest', () => {
    fc.assert(
      fc.property(embeddedManifest, (manifest) => {
        const back = parseEmbeddedManifest(serializeEmbeddedManifest(manifest), 'x');
        expect(isDeepStrictEqual(back, manifest)).toBe(true);
      }),
    );
  });

  test('an entry, in one line', () => {
    fc.assert(
      fc.property(fileEntry, embeddedFileEntry, (entry, embedded) => {
        const lines = [serializeFileEntry(entry), serializeFileEntry(embedded)];
        expect(lines.join('')).not.toContain('\n');
        expect(isDeepStrictEqual(parseFileEntry(lines[0]!, 'x'), entry)).toBe(true);
        expect(isDeepStrictEqual(parseEmbeddedFileEntry(lines[1]!, 'x'), embedded)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the form', () => {
  const text = serializeManifest(sampleManifest).toString();

  test('is what any JSON reader reads, with a line feed at the end', () => {
    expect(JSON.parse(text)).toEqual({ ...sampleManifest, manifestDigest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(text.endsWith('\n}\n')).toBe(true);
  });

  test('has two spaces, and one entry a line', () => {
    const lines = text.split('\n');
    expect(lines[1]).toBe('  "formatVersion": 1,');
    expect(lines).toContain('    "zstdVersion": "1.5.2",');
    const entryLines = lines.filter((line) => line.startsWith('    {"path":'));
    expect(entryLines).toHaveLength(sampleEntries.length);
    expect(entryLines[1]).toBe(`    ${serializeFileEntry(sampleEntries[1]!)},`);
  });

  test('has the known keys in their order and the unknown ones after them, whatever the order was', () => {
    const { exportId, ...rest } = sampleManifest;
    const shuffled = { zzz: 1, ...Object.fromEntries(Object.entries(rest).reverse()), aaa: 2, exportId };
    const keys = Object.keys(JSON.parse(serializeManifest(shuffled as never).toString()) as object);
    const [version = '', ...others] = Object.keys(sampleManifest);
    expect(keys).toEqual([version, 'manifestDigest', ...others, 'zzz', 'aaa']);
    const entry = Object.fromEntries(Object.entries({ future: true, ...sampleEntries[0] }).reverse());
    expect(serializeFileEntry(entry as never)).toBe(JSON.stringify({ ...sampleEntries[0], future: true }));
  });

  test('has no key for a value that is not there', () => {
    expect(serializeManifest({ ...sampleManifest, signature: undefined }).toString()).not.toContain('signature');
  });
});

test('100,000 entries a second are written, and read with every check', () => {
  const entries = Array.from({ length: 20_000 }, (_, n) => ({ ...sampleEntries[0]!, path: `silver/x/${n}.parquet` }));
  const started = performance.now();
  const lines = entries.map((entry) => serializeFileEntry(entry));
  const written = performance.now();
  for (const line of lines) parseFileEntry(line, 'line');
  const read = performance.now();
  // The real figures are several times better (docs/decisions/0021): this finds a slip of an order of magnitude, on a busy machine too.
  expect(written - started).toBeLessThan(2_000);
  expect(read - written).toBeLessThan(4_000);
});
