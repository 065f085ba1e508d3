/** The field `fingerprints` of a manifest (format 5.7): strict in its shape, bounded, and kept as it stands. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { parseManifest } from '../../src/schema/parse-manifest.js';
import { serializeManifest } from '../../src/schema/serialize-manifest.js';
import { changed, pointersOf, sampleManifest, sealed } from './sample.js';

const example = new URL('../../manifests/with-fingerprints.export.json', import.meta.url);
const { fingerprints } = parseManifest(readFileSync(example), 'with-fingerprints');
const manifest = { ...sampleManifest, fingerprints };

function faultOf(value: unknown): string | undefined {
  try {
    parseManifest(sealed(value), 'x');
    return undefined;
  } catch (error) {
    if (isLakepackError(error, 'MANIFEST_INVALID')) return error.message;
    throw error;
  }
}

describe('fingerprints in a manifest', () => {
  test('are read, and written again as they stand, with unknown fields', () => {
    const unknown = changed(manifest, '/fingerprints/tables/prices/later', { kept: true });
    const read = parseManifest(sealed(unknown), 'x');
    expect(read).toEqual(unknown);
    expect(parseManifest(serializeManifest(read), 'x')).toEqual(unknown);
  });

  test('are missed field by field, with the path', () => {
    const optional = [/\/recipe\/content\//, /\/tables\/[^/]+$/, /\/(keys|inputs|vectors)$/, /\/cells\/[^/]+$/];
    const names = [/\/columns\/[^/]+$/, /\/(samples|neighbours)(\/\d+)+$/];
    const required = pointersOf(manifest)
      .filter((pointer) => pointer.startsWith('/fingerprints/'))
      .filter((pointer) => ![...optional, ...names].some((one) => one.test(pointer)));
    expect(required.length).toBeGreaterThan(20);
    for (const pointer of required) expect(faultOf(changed(manifest, pointer, undefined)), pointer).toContain(pointer);
  });

  test.each([
    ['/fingerprints/tables/prices/digest', 'A'.repeat(32)],
    ['/fingerprints/tables/prices/rows', -1],
    ['/fingerprints/tables/prices/scope', 'table'],
    ['/fingerprints/tables/prices/columns/id', ''],
    ['/fingerprints/tables/prices/samples', Array.from({ length: 65 }, () => ({ key: '', cells: {} }))],
    ['/fingerprints/tables/prices/samples/0/key', 'k'.repeat(65_537)],
    ['/fingerprints/tables/vectors/vectors/samples/0/base64', '<script>'],
    ['/fingerprints/recipe/sha256', 'x'],
    ['/fingerprints/recipe/content', 'DROP TABLE'],
  ])('with %s beyond its bounds are refused', (pointer, value) => {
    expect(faultOf(changed(manifest, pointer, value))).toContain(pointer);
  });

  test('of lake scope say of which files they speak', () => {
    const lake = changed(manifest, '/fingerprints/tables/prices/scope', 'lake');
    expect(faultOf(lake)).toContain('/fingerprints/tables/prices/inputs');
    expect(faultOf(changed(lake, '/fingerprints/tables/prices/inputs', 'a'.repeat(64)))).toBeUndefined();
  });

  test('with a table of a name that no recipe can have are refused', () => {
    const tables = { 'x; DROP': fingerprints?.tables['prices'] };
    expect(faultOf({ ...manifest, fingerprints: { ...fingerprints, tables } })).toContain('/fingerprints/tables');
  });
});
