/** The test vectors of docs/fingerprints.md, also worked out by hand from its text. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STORE_ENGINES } from '../../src/schema/store-engine.js';
import type { TableSpec } from '../../src/stores/contract.js';
import { FingerprintBuilder } from '../../src/stores/fingerprint.js';
import { fixedQueries } from '../../src/stores/fixed-queries.js';
import { batchOf, column } from './support/table-rows.js';

const SPEC: TableSpec = {
  name: 't',
  columns: [
    column('id', { kind: 'integer', bits: 32, signed: true }, 'INTEGER'),
    column('name', { kind: 'text' }, 'VARCHAR'),
    column('price', { kind: 'decimal', precision: 10, scale: 2 }, 'DECIMAL(10,2)'),
    column('day', { kind: 'date' }, 'DATE'),
    column('tags', { kind: 'list', of: { kind: 'text' } }, 'VARCHAR[]'),
    column('e', { kind: 'vector', dimensions: 2 }, 'FLOAT[2]'),
  ],
  keys: ['id'],
  vector: { column: 'e', dimensions: 2, metric: 'cosine' },
  indexes: [],
};

const ROWS = batchOf(SPEC, [
  [1, 'a\\b', '1.50', 19_844, ['x', null], Float32Array.of(1, 0)],
  [2, '', '0.00', -1, [], Float32Array.of(0.5, -0.5)],
  [3, null, null, null, null, null],
]);

function content(): ReturnType<FingerprintBuilder['content']> {
  const builder = new FingerprintBuilder(SPEC);
  builder.addBatch(ROWS);
  return builder.content();
}

function sumOf(texts: readonly string[]): string {
  const numbers = texts.map((text) => BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`));
  const sum = numbers.reduce((total, number) => total + number, 0n) % 2n ** 128n;
  return sum.toString(16).padStart(32, '0');
}

test('are what the docs say', () => {
  const text = readFileSync(new URL('../../docs/fingerprints.md', import.meta.url), 'utf8');
  const json = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  expect(content()).toEqual(JSON.parse(json));
});

test('follow from the rules by hand', () => {
  const rows = [
    'i:1\u001fs:a\\\\b\u001fd:1.5\u001fD:19844\u001fl:["s:x","n"]',
    'i:2\u001fs:\u001fd:0\u001fD:-1\u001fl:[]',
    'i:3\u001fn\u001fn\u001fn\u001fn',
  ];
  const names = ['i:1\u001ename\u001es:a\\b', 'i:2\u001ename\u001es:', 'i:3\u001ename\u001en'];
  expect(content()).toMatchObject({
    rows: 3,
    keys: sumOf(['i:1', 'i:2', 'i:3']),
    digest: sumOf(rows),
    columns: { name: sumOf(names) },
    vectors: { count: 2, digest: sumOf(['i:1\u001e0000803f00000000', 'i:2\u001e0000003f000000bf']) },
  });
});

test('the fixed queries are unit vectors that follow from the rule', () => {
  const draw = (component: number): number => {
    const bytes = createHash('sha256').update(`lakepack query 4 component ${component}`).digest();
    return Array.from({ length: 16 }, (_, at) => 2 * bytes.readUInt16BE(at * 2) - 65_535).reduce((a, b) => a + b, 0);
  };
  const [x, y, z] = [draw(0), draw(1), draw(2)];
  const length = Math.sqrt(x * x + y * y + z * z);
  expect([...(fixedQueries(3)[4] ?? [])]).toEqual([x / length, y / length, z / length].map(Math.fround));
  expect(fixedQueries(384)).toHaveLength(5);
});

test('the table of what is noticed has every store, and its mutations are tried on each', () => {
  const text = readFileSync(new URL('../../docs/fingerprints.md', import.meta.url), 'utf8');
  const header = /^\| Change \|(.*)\|$/m
    .exec(text)?.[1]
    ?.split('|')
    .map((cell) => cell.trim());
  expect(header).toEqual(['memory', ...STORE_ENGINES]);
  const suites = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));
  const texts = suites.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8')).join('\n');
  const untried = STORE_ENGINES.filter(
    (engine) => !new RegExp(`describeStore\\(\\s*'${engine}'[^;]*mutate`).test(texts),
  );
  expect(untried).toEqual([]);
});
