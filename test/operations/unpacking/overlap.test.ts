/** Exports of different groupings in one archive: for each file the newest export that answers for it decides. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { unpack, type PackOptions } from '../../../src/index.js';
import { at, packInto, placeWith, texts, treeOf, write, type Place } from '../lakes.js';

const A = 'silver/a/dt=1/x.txt';
const B = 'silver/a/dt=2/y.txt';
const RUN = 'bronze/a/2025/10/11/run-a/r.json';

let place: Place;
let day: number;
beforeEach(() => {
  place = placeWith({ [A]: 'one', [B]: 'one', [RUN]: '{}' });
  day = 1;
});

/** Each pack is a day later. */
async function packBy(by: NonNullable<PackOptions['by']>, options: Partial<PackOptions> = {}): Promise<void> {
  at(`2025-11-${String(day).padStart(2, '0')}T12:00:00Z`);
  day += 1;
  await packInto(place, { by, ...options });
}

async function expectNewest(): Promise<void> {
  await unpack({ from: place.archive, into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
}

describe.each([
  ['partition', 'lake'],
  ['partition', 'dataset'],
  ['partition', 'layer'],
  ['dataset', 'layer'],
  ['layer', 'lake'],
  ['run', 'lake'],
  ['run', 'partition'],
  ['run', 'dataset'],
] as const)('%s and %s', (fine, coarse) => {
  test.each([
    ['the finer one is newer', coarse, fine],
    ['the coarser one is newer', fine, coarse],
  ] as const)('%s: a changed file comes back in its newest version', async (_, older, newer) => {
    await packBy(older);
    write(place.lake, A, 'two');
    write(place.lake, RUN, '{"two":2}');
    await packBy(newer);
    await expectNewest();
  });

  // A partition that is gone whole has no newer export of its own: by partition nothing says that it went.
  if (coarse === 'partition') return;
  test('a file that was deleted before the newer, coarser export does not come back', async () => {
    await packBy(fine);
    fs.rmSync(path.join(place.lake, 'silver/a/dt=1'), { recursive: true });
    await packBy(coarse);
    await unpack({ from: place.archive, into: place.into });
    expect(Object.keys(texts(place.into))).not.toContain(A);
  });
});

test('a file that was deleted before the newer export of its partition does not come back from an old one of the lake', async () => {
  write(place.lake, 'silver/a/dt=1/z.txt', 'one');
  await packBy('lake');
  fs.rmSync(path.join(place.lake, A));
  await packBy('partition');
  await expectNewest();
});

test('a file of a run that was deleted before its dataset was exported does not come back from the export of the run', async () => {
  write(place.lake, 'bronze/a/2025/10/11/run-a/s.json', '{}');
  await packBy('partition', { select: { run: 'run-a' } });
  fs.rmSync(path.join(place.lake, RUN));
  await packBy('dataset');
  await expectNewest();
});

test('three versions, three groupings, and each as of its day', async () => {
  const versions: Record<string, string>[] = [];
  for (const by of ['lake', 'dataset', 'partition'] as const) {
    write(place.lake, A, `version ${by}`);
    versions.push(texts(place.lake));
    await packBy(by);
  }
  await expectNewest();
  for (const [index, expected] of versions.entries()) {
    const into = `${place.into}-${index}`;
    await unpack({ from: place.archive, into, select: { all: true, asOf: `2025-11-0${index + 1}` } });
    expect(texts(into)).toEqual(expected);
  }
});

test('every export of a partition by history: the newest version wins', async () => {
  await packBy('partition');
  write(place.lake, A, 'two');
  await packBy('partition');
  await unpack({ from: place.archive, into: place.into, select: { history: true } });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});
