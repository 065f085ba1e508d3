import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import '../../src/schema/parse-manifest.js';
import { schemaFaults } from '../../src/schema/validator.js';
import { serializeManifest } from '../../src/schema/serialize-manifest.js';
import { sampleManifest } from './sample.js';

/** As it stands in an archive: with its digest. */
const stored = JSON.parse(serializeManifest(sampleManifest).toString()) as Record<string, unknown>;

const folder = new URL('../../schemas/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.schema.json'));

function ajvIsLoaded(): boolean {
  return Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('/node_modules/ajv/'));
}

test('Ajv is loaded by the first question, not by the import', () => {
  expect(ajvIsLoaded()).toBe(false);
  schemaFaults('export.v1', {});
  expect(ajvIsLoaded()).toBe(true);
});

test.each(names)('%s compiles in strict mode, says what it is, and has the id of its name', (name) => {
  const schema = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, unknown>;
  expect(schema).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `https://lakepack.dev/schemas/${name}`,
  });
  expect(schema['title']).toBeTypeOf('string');
  expect(schema['description']).toBeTypeOf('string');
  expect(() => schemaFaults(name.replace('.schema.json', ''), null)).not.toThrow();
});

test('an unknown schema is a fault of ours', () => {
  expect(() => schemaFaults('nothing.v1', {})).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});

test('the whole manifest can be asked at once, too', () => {
  expect(schemaFaults('export.v1', stored)).toEqual([]);
});

test.each([undefined, 'A'.repeat(64), 'a'.repeat(63), 0])('the digest %j is refused', (manifestDigest) => {
  const faults = schemaFaults('export.v1', { ...stored, manifestDigest });
  expect(faults.map(({ path }) => path)).toEqual(['/manifestDigest']);
});

test('faults carry JSON pointers, escaped as RFC 6901 says', () => {
  const source = { ...sampleManifest.source, keys: { 'a/b~c': 1 } };
  expect(schemaFaults('export.v1', { ...stored, source })).toEqual([
    { path: '/source/keys/a~1b~0c', message: 'expected string, got 1' },
  ]);
});

test('a directory has no bytes, hash or content', () => {
  const directory = { path: 'a', type: 'directory', bytes: 1, sha256: 'x', mtime: 0, content: {} };
  expect(schemaFaults('embedded-file-entry.v1', directory).map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/bytes', '/sha256', '/content']),
  );
});

test.each([
  ['2025-10-11T06:00:00Z', true],
  ['2025-10-11T06:00:00.123456789Z', true],
  ['2024-02-29T23:59:59Z', true],
  ['2025-02-29T06:00:00Z', false],
  ['2025-13-01T06:00:00Z', false],
  ['2025-10-11T24:00:00Z', false],
  ['2025-10-11T23:59:60Z', false],
  ['2025-10-11T06:00:00+00:00', false],
  ['2025-10-11T06:00:00', false],
  ['2025-10-11 06:00:00Z', false],
  ['2025-10-11', false],
])('the time %s: %s', (expiresAt, valid) => {
  expect(schemaFaults('export.v1', { ...stored, expiresAt }).length === 0).toBe(valid);
});
