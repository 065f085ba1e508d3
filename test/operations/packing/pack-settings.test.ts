/** What holds when the caller, the lake's configuration and the defaults each say something. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CDN_BUNDLE_PAYLOAD_BYTES, DEFAULT_BUNDLE_PAYLOAD_BYTES } from '../../../src/base/limits.js';
import { catalogShow, type PackOptions } from '../../../src/index.js';
import { settingsOfPack } from '../../../src/operations/packing/pack-settings.js';
import { codeOf, packInto, placeWith } from '../lakes.js';

const CONFIG = {
  licence: 'CC0-1.0',
  note: 'of the lake',
  datasets: { apps: { note: 'of apps' }, 'silver/apps': { licence: 'MIT' } },
  pack: { by: 'dataset', level: 7, bundleSize: '2MiB', unsupported: 'skip', inspect: 'quick' },
};

async function settings(config: object, options: Partial<PackOptions> = {}): ReturnType<typeof settingsOfPack> {
  const { lake } = placeWith();
  fs.writeFileSync(path.join(lake, 'lakepack.config.json'), JSON.stringify(config));
  return await settingsOfPack({ lake, ...options });
}

describe('settings', () => {
  test('the defaults', async () => {
    const { lake } = placeWith();
    expect(await settingsOfPack({ lake })).toMatchObject({
      to: lake,
      by: 'partition',
      level: 3,
      bundleSizeBytes: DEFAULT_BUNDLE_PAYLOAD_BYTES,
      onChange: 'fail',
      unsupported: 'default',
      inspect: 'full',
      dryRun: false,
    });
  });

  test('the configuration goes before the defaults', async () => {
    const expected = {
      by: 'dataset',
      level: 7,
      bundleSizeBytes: 2 * 1024 * 1024,
      unsupported: 'skip',
      inspect: 'quick',
    };
    expect(await settings(CONFIG)).toMatchObject(expected);
  });

  test('the caller goes before the configuration', async () => {
    const said = { by: 'lake', level: 1, bundleSizeBytes: 3_000_000, unsupported: 'refuse', inspect: 'full' } as const;
    expect(await settings(CONFIG, said)).toMatchObject(said);
  });

  test.each([
    [{ profile: 'cdn' }, {}, CDN_BUNDLE_PAYLOAD_BYTES],
    [{}, { profile: 'cdn' }, CDN_BUNDLE_PAYLOAD_BYTES],
    [{ profile: 'cdn' }, { profile: 'default' }, DEFAULT_BUNDLE_PAYLOAD_BYTES],
    // What is said in the command goes first, also a profile before the size in the file.
    [{ bundleSize: '2GiB' }, { profile: 'cdn' }, CDN_BUNDLE_PAYLOAD_BYTES],
    [{ bundleSize: '2MiB', profile: 'cdn' }, {}, 2 * 1024 * 1024],
    [{ profile: 'cdn' }, { bundleSizeBytes: 5_000_000 }, 5_000_000],
  ] as const)('bundle size of %j with %j is %i', async (config, options, bytes) => {
    expect((await settings({ pack: config }, options)).bundleSizeBytes).toBe(bytes);
  });

  test('a configuration with a mistake packs nothing', async () => {
    const place = placeWith();
    fs.writeFileSync(path.join(place.lake, 'lakepack.config.json'), '{"license":"MIT"}');
    expect(await codeOf(packInto(place))).toBe('CONFIG_INVALID');
    expect(fs.existsSync(place.archive)).toBe(false);
  });
});

test('licence and note come from the most exact place that has one, and from the caller before all', async () => {
  const place = placeWith();
  fs.writeFileSync(path.join(place.lake, 'lakepack.config.json'), JSON.stringify({ ...CONFIG, pack: {} }));
  await packInto(place, { select: { layers: ['bronze', 'silver'] } });
  const told = async (archive: string): Promise<string[]> =>
    (await catalogShow({ archive, select: { all: true } })).map(
      ({ source, provenance }) => `${source.layer} ${provenance.licence}, ${provenance.note}`,
    );
  expect(new Set(await told(place.archive))).toEqual(new Set(['bronze CC0-1.0, of apps', 'silver MIT, of apps']));
  await packInto(place, { to: `${place.archive}-2`, note: 'mine', select: { layers: ['bronze'] } });
  expect(await told(`${place.archive}-2`)).toEqual(['bronze CC0-1.0, mine']);
});
