/** lakepack for programs: what the issue promises to be importable, used together as a program would. */
import { expect, test } from 'vitest';
import {
  isLakepackError,
  LakepackError,
  openArchive,
  pack,
  unpack,
  verify,
  type Archive,
  type ExportRef,
} from '../../src/index.js';
import { memoryArchive, placeWith, treeOf, SMALL } from './lakes.js';

test('pack, verify, unpack and openArchive work together, with progress and a signal', async () => {
  const place = placeWith();
  const phases: string[] = [];
  const signal = new AbortController().signal;
  const packed = await pack({
    lake: place.lake,
    to: place.archive,
    stateDir: place.stateDir,
    signal,
    onProgress: (event) => {
      if (event.type === 'phase') phases.push(event.phase);
    },
  });
  expect(packed.totals.packed).toBe(4);
  expect(phases).toEqual(['scan', 'pack']);
  expect((await verify({ archive: place.archive, signal })).ok).toBe(true);
  expect((await unpack({ from: place.archive, into: place.into, signal })).totals.files).toBe(4);
  const archive: Archive = await openArchive(place.archive, { mode: 'read' });
  const refs: ExportRef[] = [];
  for await (const ref of archive.list()) refs.push(ref);
  const paths: string[] = [];
  for (const ref of refs) {
    for await (const entry of archive.entries(ref, await archive.manifest(ref))) paths.push(entry.path);
  }
  await archive.close();
  expect(refs.map((ref) => ref.exportId)).toEqual(packed.exports.map((one) => one.exportId));
  expect(paths).toEqual(Object.keys(SMALL));
});

test('an open archive can be given wherever a location can, and is not closed', async () => {
  const place = placeWith();
  const { archive, memory } = memoryArchive();
  await pack({ lake: place.lake, to: archive, stateDir: place.stateDir });
  expect((await verify({ archive })).ok).toBe(true);
  await unpack({ from: archive, into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  expect(memory.objects.size).toBe(4 * 3);
});

test('errors are LakepackErrors with a code, a hint, and nothing of the process', async () => {
  const error: unknown = await pack({ lake: '/no/such/lake' }).catch((one: unknown) => one);
  expect(error).toBeInstanceOf(LakepackError);
  expect(isLakepackError(error, 'NOT_FOUND')).toBe(true);
  expect((error as LakepackError).hint).toContain('layers');
});
