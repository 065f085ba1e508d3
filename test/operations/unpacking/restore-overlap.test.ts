/** Exports of one lake by different groupings: the newest that holds a file gives it, and what it no longer holds is gone. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpack } from '../../../src/index.js';
import type { ExportSelector, Grouping } from '../../../src/index.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, treeOf, texts } = lakes;

const TREE: lakes.Tree = {
  'bronze/apps/2025/10/11/run-a/one.json': 'one\n',
  'bronze/apps/2025/10/11/run-a/two.json': 'two\n',
  'bronze/reviews/2025/10/11/run-a/three.json': 'three\n',
  'bronze/manifests/run-a.manifest.json': JSON.stringify({ runId: 'run-a', layer: 'bronze' }),
  'silver/apps/dt=1/a.csv': 'a\n',
  'silver/apps/dt=1/b.csv': 'b\n',
  'silver/apps/dt=2/c.csv': 'c\n',
  'silver/apps/loose.txt': 'loose\n',
  'gold/plain/x.txt': 'x\n',
};

const FOLDERS: readonly Grouping[] = ['partition', 'dataset', 'layer', 'lake'];
const PAIRS = FOLDERS.flatMap((older) => FOLDERS.map((newer) => [older, newer] as const));

function change({ lake }: lakes.Place): void {
  lakes.write(lake, 'silver/apps/dt=1/a.csv', 'a, changed\n');
  lakes.write(lake, 'bronze/apps/2025/10/11/run-a/one.json', 'one, changed\n');
  lakes.write(lake, 'silver/apps/dt=3/new.csv', 'new\n');
}

function remove({ lake }: lakes.Place): void {
  for (const name of ['silver/apps/dt=1/b.csv', 'bronze/apps/2025/10/11/run-a/two.json'])
    fs.rmSync(path.join(lake, name));
}

async function restored(place: lakes.Place, select?: ExportSelector): Promise<Record<string, string>> {
  const into = path.join(lakes.makeFolder(), 'out');
  await unpack({ from: place.archive, into, ...(select && { select }) });
  return texts(into);
}

describe('packed by one grouping, changed, packed by another', () => {
  test.each(PAIRS)('%s, then %s: all comes back as it was last', async (older, newer) => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: older });
    const before = texts(place.lake);
    change(place);
    remove(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { by: newer });
    expect(await restored(place)).toEqual(texts(place.lake));
    expect(await restored(place, { asOf: '2025-10-12' })).toEqual(before);
  });

  test.each(FOLDERS)('%s, then run: what changed comes from the run, nothing is lost', async (older) => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: older });
    change(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { by: 'run' });
    expect(await restored(place)).toEqual(texts(place.lake));
  });

  test.each(FOLDERS)('run, then %s: a file that is gone does not come back out of the run', async (newer) => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: 'run' });
    change(place);
    remove(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { by: newer });
    expect(await restored(place)).toEqual(texts(place.lake));
  });
});

describe('a part packed later than the whole', () => {
  test('one partition: its files from there, all others from the whole', async () => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: 'lake' });
    const before = texts(place.lake);
    change(place);
    remove(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { select: { partitions: ['silver/apps/dt=1'] } });
    const { 'silver/apps/dt=1/b.csv': _gone, ...rest } = before;
    expect(await restored(place)).toEqual({ ...rest, 'silver/apps/dt=1/a.csv': 'a, changed\n' });
  });

  test('the whole named alone gives the old version', async () => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: 'lake' });
    const before = texts(place.lake);
    change(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place);
    expect(await restored(place, { exports: ['lake'] })).toEqual(before);
  });

  test('the whole again, later: it alone counts', async () => {
    const place = placeWith(TREE);
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place);
    change(place);
    remove(place);
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { by: 'lake' });
    const report = await unpack({ from: place.archive, into: place.into });
    expect(report.exports.filter(({ files }) => files > 0).map((one) => one.path)).toEqual(['lake']);
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  });
});

test('all versions of one partition selected together restore as the newest', async () => {
  const place = placeWith({ 'silver/a/dt=1/x.csv': '1', 'silver/a/dt=1/gone.csv': 'gone' });
  lakes.at('2025-10-12T00:00:00Z');
  await packInto(place);
  lakes.write(place.lake, 'silver/a/dt=1/x.csv', '2');
  fs.rmSync(path.join(place.lake, 'silver/a/dt=1/gone.csv'));
  lakes.at('2025-10-13T00:00:00Z');
  await packInto(place);
  expect(await restored(place, { history: true })).toEqual({ 'silver/a/dt=1/x.csv': '2' });
});

test('an empty folder of an older export does not hide what a newer one has in it', async () => {
  const place = placeWith({ 'silver/a/dt=1': null, 'silver/a/dt=2': null, 'silver/a/dt=3/x': 'x' });
  lakes.at('2025-10-12T00:00:00Z');
  await packInto(place, { by: 'dataset' });
  lakes.write(place.lake, 'silver/a/dt=1/now/k.csv', 'k');
  lakes.at('2025-10-13T00:00:00Z');
  await packInto(place);
  await unpack({ from: place.archive, into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

describe('a name that was a file and is a folder, or the other way round', () => {
  test.each(PAIRS)('%s, then %s', async (older, newer) => {
    const place = placeWith({ 'silver/a/x': 'a file', 'silver/a/y/dt=1/z': 'below', 'silver/a/dt=1/k': 'k' });
    lakes.at('2025-10-12T00:00:00Z');
    await packInto(place, { by: older });
    for (const name of ['x', 'y']) fs.rmSync(path.join(place.lake, 'silver/a', name), { recursive: true });
    lakes.write(place.lake, 'silver/a/x/dt=1/z', 'below now');
    lakes.write(place.lake, 'silver/a/y', 'a file now');
    lakes.at('2025-10-13T00:00:00Z');
    await packInto(place, { by: newer });
    const { totals } = await unpack({ from: place.archive, into: place.into });
    expect(texts(place.into)).toMatchObject({ 'silver/a/x/dt=1/z': 'below now', 'silver/a/y': 'a file now' });
    // What is there by now is what was wanted: nothing of the older export is in conflict with it.
    const again = await unpack({ from: place.archive, into: place.into });
    expect(again.totals).toMatchObject({ files: 0, kept: totals.files });
  });
});
