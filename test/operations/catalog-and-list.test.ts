/** What an archive tells of its exports, and what a lake list tells of a lake beside its archive. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogFiles, catalogList, catalogShow, listLake, openArchive, pack } from '../../src/index.js';
import type { CatalogFile, CatalogShowOptions, LakeListing } from '../../src/index.js';
import { collect, sha256Of, textBytes } from '../bundle/kit.js';
import * as lakes from './lakes.js';

const { placeWith, packInto, codeOf } = lakes;

const PATHS = [
  'bronze/apps/2025/10/11/run-a',
  'silver/apps/dt=2025-10-11',
  'silver/apps/dt=2025-10-12',
  'silver/apps/dt=2025-10-13',
];

/** All packed on the first day, one partition again on the second. */
async function twoDays(): Promise<lakes.Place> {
  const place = placeWith();
  lakes.at('2025-10-12T08:00:00Z');
  await packInto(place, { licence: 'CC0-1.0' });
  lakes.write(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv', 'id,name\n1,newer\n');
  lakes.at('2025-10-13T08:00:00Z');
  await packInto(place);
  return place;
}

function filesOf(options: CatalogShowOptions): Promise<CatalogFile[]> {
  return collect(catalogFiles(options));
}

describe('catalog list', () => {
  test('the newest export of each partition, sorted, with its numbers', async () => {
    const { archive } = await twoDays();
    const list = await catalogList({ archive });
    expect(list.archive).toBe(archive);
    expect(list.exports.map((row) => row.path)).toEqual(PATHS);
    expect(list.exports[0]).toMatchObject({ layer: 'bronze', dataset: 'apps', runId: 'run-a', files: 2, bytes: 20 });
    expect(list.exports[1]).toMatchObject({ createdAt: '2025-10-13T08:00:00Z', files: 1, bytes: 16, bundles: 1 });
    expect(list.exports[1]!.exportId).toMatch(/^20251013T080000Z-[0-9a-f]{8}$/);
    expect(list.exports[2]!.createdAt).toBe('2025-10-12T08:00:00Z');
    expect(list.exports[3]).toMatchObject({ files: 0, bytes: 0 });
    for (const row of list.exports) expect(row.storedBytes).toBeGreaterThan(0);
  });

  test.each([
    [{ history: true }, 5],
    [{ history: true, exports: ['silver/apps/dt=2025-10-11'] }, 2],
    [{ exports: ['silver/apps/dt=2025-10-11'] }, 1],
    [{ asOf: '2025-10-12' }, 4],
    [{ layers: ['silver'] }, 3],
    [{ datasets: ['silver/apps'] }, 3],
    [{ runs: ['run-a'] }, 1],
    [{ where: 'dt > 2025-10-11' }, 2],
  ])('%j', async (select, rows) => {
    const { archive } = await twoDays();
    expect((await catalogList({ archive, select })).exports).toHaveLength(rows);
  });

  test('an archive that the caller opened stays open', async () => {
    const archive = await openArchive((await twoDays()).archive, { mode: 'read' });
    expect((await catalogList({ archive })).exports).toHaveLength(4);
    expect((await catalogList({ archive })).exports).toHaveLength(4);
    await archive.close();
  });

  test('what cannot be listed is said', async () => {
    const { archive } = await twoDays();
    expect(await codeOf(catalogList({ archive: `${archive}-no` }))).toBe('NOT_FOUND');
    expect(await codeOf(catalogList({ archive, select: { layers: ['none'] } }))).toBe('NOT_FOUND');
    expect(await codeOf(catalogList({ archive, select: { where: 'dt >' } }))).toBe('SELECTOR_INVALID');
    expect(await codeOf(catalogList({ archive, select: { asOf: 'yesterday-ish' } }))).toBe('SELECTOR_INVALID');
    const name = fs.readdirSync(path.join(archive, 'manifests', PATHS[1]!))[0]!;
    fs.writeFileSync(path.join(archive, 'manifests', PATHS[1]!, name), '{}');
    expect(await codeOf(catalogList({ archive, select: { history: true } }))).toBe('MANIFEST_INVALID');
  });
});

describe('catalog show', () => {
  test('the head of a manifest: all but its files', async () => {
    const { archive } = await twoDays();
    const [head, ...others] = await catalogShow({ archive, select: { exports: [PATHS[2]!] } });
    expect(others).toEqual([]);
    expect(head).not.toHaveProperty('files');
    expect(head).toMatchObject({ formatVersion: 1, provenance: { licence: 'CC0-1.0' }, source: { path: PATHS[2] } });
    expect(head!.manifestKey).toBe(`manifests/${PATHS[2]!}/${head!.exportId}.export.json`);
    expect(fs.existsSync(path.join(archive, head!.manifestKey))).toBe(true);
  });
});

describe('catalog files', () => {
  test('every file with its hash, and the bundle that holds it', async () => {
    const { archive, lake } = await twoDays();
    const files = await filesOf({ archive, select: { all: true } });
    expect(files.filter(({ type }) => type === undefined).map((one) => one.path)).toEqual([
      ...lakes.filesOf(lake).keys(),
    ]);
    for (const { path: name, type, sha256, bundleName, exportId, partition, bytes } of files) {
      expect(fs.existsSync(path.join(archive, 'exports', partition, exportId, bundleName))).toBe(true);
      if (type === 'directory') continue;
      const content = fs.readFileSync(path.join(lake, name));
      expect({ sha256, bytes }).toEqual({ sha256: sha256Of(content), bytes: content.length });
    }
  });

  test('of several bundles, and of an index that stands by itself', async () => {
    const place = placeWith({ 'silver/a/1.csv': textBytes(700_000), 'silver/a/2.csv': textBytes(700_000, 2) });
    await packInto(place, { bundleSizeBytes: 1_048_576 });
    const files = await filesOf({ archive: place.archive, select: { all: true } });
    expect(files.map((one) => one.bundleName.slice(-13))).toEqual(['00001.tar.zst', '00002.tar.zst']);
  });

  test('stopping in the middle is fine, and an unknown export is said', async () => {
    const { archive } = await twoDays();
    for await (const file of catalogFiles({ archive, select: { all: true } })) {
      expect(file.path).toMatch(/./);
      break;
    }
    expect(await codeOf(filesOf({ archive, select: { exports: ['none/such'] } }))).toBe('NOT_FOUND');
  });
});

describe('a list of a lake', () => {
  function states({ partitions }: LakeListing): string[] {
    return partitions.map((one) => `${one.path} ${one.state}`);
  }

  test('never, then current, then changed, then current again', async () => {
    const place = placeWith();
    const { lake, archive } = place;
    expect(states(await listLake({ lake, archive }))).toEqual(PATHS.map((one) => `${one} never`));
    await packInto(place, { select: { layers: ['silver'] } });
    expect(states(await listLake({ lake, archive }))).toEqual(
      PATHS.map((one) => `${one} ${one.startsWith('silver') ? 'current' : 'never'}`),
    );
    await packInto(place);
    lakes.write(lake, 'silver/apps/dt=2025-10-12/part-0.csv', 'changed');
    lakes.write(lake, 'silver/apps/dt=2025-10-14/part-0.csv', 'new');
    const listing = await listLake({ lake, archive });
    expect(states(listing)).toEqual([
      `${PATHS[0]!} current`,
      `${PATHS[1]!} current`,
      `${PATHS[2]!} changed`,
      `${PATHS[3]!} current`,
      'silver/apps/dt=2025-10-14 never',
    ]);
    expect(listing.partitions[4]).not.toHaveProperty('lastExport');
    expect(listing.partitions[2]!.lastExport!.exportId).toMatch(/Z-[0-9a-f]{8}$/);
    await packInto(place);
    expect(states(await listLake({ lake, archive })).every((one) => one.endsWith(' current'))).toBe(true);
  });

  test('what a row says', async () => {
    const { lake, archive } = placeWith();
    const listing = await listLake({ lake, archive });
    expect(listing).toMatchObject({ lake, archive, findings: [] });
    expect(listing.partitions[0]).toEqual({
      path: PATHS[0],
      layer: 'bronze',
      dataset: 'apps',
      keys: expect.any(Object),
      runId: 'run-a',
      files: 2,
      directories: 0,
      bytes: 20,
      newestChange: '2024-06-01T00:00:00Z',
      state: 'never',
    });
    expect(listing.partitions[1]!.keys).toEqual({ dt: '2025-10-11' });
    expect(listing.partitions[3]).toMatchObject({ files: 0, directories: 1 });
    expect(listing.partitions[3]).not.toHaveProperty('newestChange');
  });

  test('a lake that is its own archive does not list its exports as data', async () => {
    const { lake, stateDir } = placeWith();
    const before = states(await listLake({ lake }));
    await pack({ lake, stateDir });
    expect(states(await listLake({ lake }))).toEqual(before.map((one) => one.replace('never', 'current')));
  });

  test('by dataset, a selection, and what a scan finds', async () => {
    const { lake } = placeWith({ ...lakes.SMALL, 'silver/apps/dt=2025-10-11/link': { link: 'part-0.csv' } });
    const listing = await listLake({ lake, by: 'dataset', select: { layers: ['silver'] } });
    expect(states(listing)).toEqual(['silver/apps never']);
    expect(listing.findings.map(({ code }) => code)).toEqual(['SOURCE_SYMLINK']);
  });

  test('writes nothing', async () => {
    const place = placeWith();
    const before = lakes.snapshot(path.dirname(place.lake));
    await listLake(place);
    await listLake({ lake: place.lake });
    expect(lakes.snapshot(path.dirname(place.lake))).toEqual(before);
  });

  test('a lake that is not there, an archive that cannot be opened', async () => {
    const { lake } = placeWith();
    expect(await codeOf(listLake({ lake: `${lake}-no` }))).toBe('NOT_FOUND');
    expect(await codeOf(listLake({ lake, archive: 'gopher://host/x' }))).toBe('ARCHIVE_UNSUPPORTED');
  });
});
