/** The configuration of a lake: what is read, and that no mistake in it is passed over. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import { EMPTY_LAKE_CONFIG, LAKE_CONFIG_NAME, licenceAndNote, readLakeConfig } from '../../src/config/lake-config.js';
import { parseLakeConfig } from '../../src/config/parse-lake-config.js';

function parse(value: unknown): ReturnType<typeof parseLakeConfig> {
  return parseLakeConfig(JSON.stringify(value), 'lakepack.config.json');
}

function faultOf(value: unknown): LakepackError {
  try {
    parse(value);
  } catch (error) {
    if (error instanceof LakepackError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a configuration', () => {
  test('may be empty', () => expect(parse({})).toEqual(EMPTY_LAKE_CONFIG));

  test('may say everything', () => {
    const pack = { by: 'dataset', level: 19, profile: 'cdn', unsupported: 'refuse', inspect: 'quick' };
    const config = parse({
      $schema: 'https://lakepack.dev/schemas/config.v1.schema.json',
      licence: 'CC-BY-4.0',
      note: 'collected daily',
      datasets: { vulns: { licence: 'CC0-1.0' }, 'gold/vulns': { note: 'joined' } },
      pack: { ...pack, bundleSize: '4GiB' },
    });
    expect(config).toEqual({
      licence: 'CC-BY-4.0',
      note: 'collected daily',
      datasets: new Map([
        ['vulns', { licence: 'CC0-1.0' }],
        ['gold/vulns', { note: 'joined' }],
      ]),
      pack: { ...pack, bundleSizeBytes: 4 * 2 ** 30 },
    });
  });

  test.each([
    [1_000_000, 1_000_000],
    ['500MB', 500_000_000],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['512k', 512 * 1024],
    ['1048576', 1_048_576],
  ])('takes %j as a size', (bundleSize, bytes) => {
    expect(parse({ pack: { bundleSize } }).pack.bundleSizeBytes).toBe(bytes);
  });

  test.each([
    [[], /the file: expected an object, got a list/],
    ['x', /expected an object, got "x"/],
    [null, /expected an object, got null/],
    [{ licence: 7 }, /licence: expected a text .*, got 7/],
    [{ licence: '' }, /licence: expected a text/],
    [{ note: null }, /note: expected a text .*, got null/],
    [{ datasets: [] }, /datasets: expected an object, got a list/],
    [{ datasets: { vulns: 'CC0' } }, /datasets\.vulns: expected an object, got "CC0"/],
    [{ datasets: { 'a/b/c': {} } }, /"<layer>\/<dataset>"/],
    [{ datasets: { '../x': {} } }, /"<layer>\/<dataset>"/],
    [{ pack: 3 }, /pack: expected an object, got 3/],
    [{ pack: { by: 'file' } }, /pack\.by: expected one of partition, run, dataset, layer, lake, got "file"/],
    [{ pack: { by: ['run'] } }, /pack\.by: .* got a list/],
    [{ pack: { level: 20 } }, /pack\.level: expected a whole number from 1 to 19, got 20/],
    [{ pack: { level: 2.5 } }, /pack\.level/],
    [{ pack: { level: '3' } }, /pack\.level/],
    [{ pack: { bundleSize: '4 parsecs' } }, /pack\.bundleSize: .*got "4 parsecs"/],
    [{ pack: { bundleSize: 0 } }, /pack\.bundleSize/],
    [{ pack: { bundleSize: 1.5 } }, /pack\.bundleSize/],
    [{ pack: { bundleSize: true } }, /pack\.bundleSize/],
    [{ pack: { profile: 'CDN' } }, /pack\.profile/],
    [{ pack: { unsupported: 'ignore' } }, /pack\.unsupported/],
    [{ pack: { inspect: false } }, /pack\.inspect/],
  ])('%j is wrong', (value, says) => expect(faultOf(value).message).toMatch(says));

  test.each([
    [{ license: 'CC0' }, /license: is not a known key/, /did you mean licence\?/],
    [{ pack: { levle: 3 } }, /pack\.levle: is not a known key/, /did you mean pack\.level\?/],
    [{ pack: { bundle_size: 3 } }, /pack\.bundle_size/, /did you mean pack\.bundleSize\?/],
    [{ datasets: { a: { licences: 'x' } } }, /licences: is not a known key/, /did you mean .*licence\?/],
    [{ stores: {} }, /stores: is not a known key/, /known keys are .*licence, note, datasets, pack, remotes/],
    [{ ['x'.repeat(1_000)]: 1 }, /is not a known key/, /known keys/],
  ])('an unknown key in %j is told, with what was meant', (value, says, hint) => {
    expect(faultOf(value).message).toMatch(says);
    expect(faultOf(value).hint).toMatch(hint);
  });

  test('tells every fault at once', () => {
    const { message } = faultOf({ licence: 1, pack: { level: 0, levle: 3 }, datasets: { a: { nope: 1 } } });
    expect(message).toMatch(/^lakepack\.config\.json: .*licence.*; .*datasets.*; .*levle.*; .*level/);
  });

  test('a key that is a trap in JavaScript is just unknown', () => {
    const text = '{"__proto__": {"licence": "x"}, "constructor": 1}';
    expect(() => parseLakeConfig(text, 'x')).toThrow(/__proto__: is not a known key; constructor: is not a known key/);
    expect(parseLakeConfig('{"datasets": {"__proto__": {"licence": "x"}}}', 'x').datasets.get('__proto__')).toEqual({
      licence: 'x',
    });
  });

  test('that is not JSON is CONFIG_INVALID', () => {
    expect(() => parseLakeConfig('{ // no\n}', 'x')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(parseLakeConfig('\ufeff{}', 'x')).toEqual(EMPTY_LAKE_CONFIG);
  });
});

describe('licence and note', () => {
  const config = parse({
    licence: 'lake',
    note: 'lake',
    datasets: { vulns: { licence: 'dataset', note: 'dataset' }, 'gold/vulns': { licence: 'exact' } },
  });

  test('come from the most exact place, each on its own', () => {
    expect(licenceAndNote(config, 'gold', 'vulns')).toEqual({ licence: 'exact', note: 'dataset' });
    expect(licenceAndNote(config, 'silver', 'vulns')).toEqual({ licence: 'dataset', note: 'dataset' });
    expect(licenceAndNote(config, undefined, 'vulns')).toEqual({ licence: 'dataset', note: 'dataset' });
    expect(licenceAndNote(config, 'silver', 'other')).toEqual({ licence: 'lake', note: 'lake' });
    expect(licenceAndNote(config, 'silver', undefined)).toEqual({ licence: 'lake', note: 'lake' });
  });

  test('are absent where nobody says them', () => {
    expect(licenceAndNote(EMPTY_LAKE_CONFIG, 'gold', 'vulns')).toEqual({});
  });
});

describe('the file', () => {
  let lake: string;

  beforeEach(async () => {
    lake = await mkdtemp(path.join(os.tmpdir(), 'lakepack-config-'));
  });
  afterEach(() => rm(lake, { recursive: true }));

  test('need not be there', async () => expect(await readLakeConfig(lake)).toBe(EMPTY_LAKE_CONFIG));

  test('is read from the root of the lake', async () => {
    await writeFile(path.join(lake, LAKE_CONFIG_NAME), '{"licence": "ODbL-1.0"}');
    expect(await readLakeConfig(lake)).toEqual({ ...EMPTY_LAKE_CONFIG, licence: 'ODbL-1.0' });
  });

  test.each([
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['too large', Buffer.alloc(2 ** 20 + 1, ' ')],
    ['empty', Buffer.alloc(0)],
  ])('that is %s is CONFIG_INVALID', async (_, bytes) => {
    await writeFile(path.join(lake, LAKE_CONFIG_NAME), bytes);
    await expect(readLakeConfig(lake)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('that is a folder is CONFIG_INVALID', async () => {
    await mkdir(path.join(lake, LAKE_CONFIG_NAME));
    await expect(readLakeConfig(lake)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
