import { expect, test } from 'vitest';
import type { Cell, TableSpec } from '../../src/stores/contract.js';
import { addContents, FingerprintBuilder, type TableContent } from '../../src/stores/fingerprint.js';
import { DigestSum } from '../../src/stores/digest-sum.js';
import { itemRows, itemsTable } from './store-contract.js';
import { batchOf } from './support/table-rows.js';

function contentOf(spec: TableSpec, rows: readonly (readonly Cell[])[]): TableContent {
  const builder = new FingerprintBuilder(spec);
  builder.addBatch(batchOf(spec, rows));
  return builder.content();
}

const SPEC = itemsTable(true);
const ROWS = itemRows(300);

test('the order of rows does not count', () => {
  expect(contentOf(SPEC, ROWS.toReversed())).toEqual(contentOf(SPEC, ROWS));
});

test.each([1, 3, 50])('those of %i parts add up to that of the whole', (parts) => {
  const pieces = Array.from({ length: parts }, (_, part) => ROWS.filter((__, at) => at % parts === part));
  const added = addContents(
    SPEC,
    pieces.map((rows) => contentOf(SPEC, rows)),
  );
  const whole = contentOf(SPEC, ROWS);
  expect({ ...added, samples: [], vectors: { ...added.vectors, samples: [] } }).toEqual({
    ...whole,
    samples: [],
    vectors: { ...whole.vectors, samples: [] },
  });
  expect(added.samples.slice(0, 4)).toEqual(whole.samples);
  expect(added.vectors?.samples.slice(0, 4)).toEqual(whole.vectors?.samples);
  expect(added.samples.length).toBe(Math.min(64, parts * 4));
});

test('of nothing is that of an empty table', () => {
  expect(addContents(SPEC, [])).toEqual(contentOf(SPEC, []));
  expect(contentOf(SPEC, [])).toMatchObject({ rows: 0, digest: '0'.repeat(32), samples: [] });
});

test('keys and cells too long for a manifest stand there as their SHA-256, also after adding', () => {
  const rows = ROWS.map(([, ...rest], at) => [`${'k'.repeat(400)}${at}`, 'y'.repeat(300), ...rest.slice(1)]);
  const content = contentOf(SPEC, rows);
  expect(content.samples[0]?.key).toMatch(/^#[0-9a-f]{64}$/);
  expect(content.samples[0]?.cells.note).toMatch(/^#[0-9a-f]{64}$/);
  expect(addContents(SPEC, [content])).toEqual(content);
});

test('a vector of other dimensions, of zeros or of no numbers is counted and never near', () => {
  const rows: readonly (readonly Cell[])[] = [
    ['a', null, 1, Float32Array.of(1, 2)],
    ['b', null, 1, new Float32Array(8)],
    ['c', null, 1, new Float32Array(8).fill(Number.NaN)],
  ];
  const { vectors } = contentOf(SPEC, rows);
  expect(vectors).toMatchObject({ count: 3, dimensions: 2 });
  expect(vectors?.neighbours.flat()).toEqual([]);
});

test('rows without key count each time they occur', () => {
  const spec = { ...itemsTable(false), keys: [] };
  const [once, twice] = [
    contentOf(spec, [['a', 'b', 1]]),
    contentOf(spec, [
      ['a', 'b', 1],
      ['a', 'b', 1],
    ]),
  ];
  expect(once.keys).toBeUndefined();
  expect(once.samples[0]?.key).toMatch(/^[0-9a-f]{32}$/);
  expect(twice.digest).not.toBe(once.digest);
});

test('a sum carries from lane to lane and wraps at 2^128', () => {
  const sum = new DigestSum();
  sum.addHex('f'.repeat(32));
  sum.addHex(`${'0'.repeat(31)}2`);
  expect(sum.hex()).toBe(`${'0'.repeat(31)}1`);
});

test('without the digests of columns all else is the same', () => {
  const builder = new FingerprintBuilder(SPEC, { depth: 'rows' });
  builder.addBatch(batchOf(SPEC, ROWS));
  expect(builder.content()).toEqual({ ...contentOf(SPEC, ROWS), columns: {} });
});
