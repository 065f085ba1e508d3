/** What verify looks at, at each depth, and what it says of an archive that is sound. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { openArchive, verify, type VerifyOptions, type VerifyReport } from '../../src/index.js';
import { randomBytes } from '../bundle/kit.js';
import { at, codeOf, filesOf, packInto, placeWith, snapshot, write, type Place } from './lakes.js';

let place: Place;
beforeEach(async () => {
  place = placeWith();
  await packInto(place);
});

function look(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verify({ archive: place.archive, ...options });
}

describe('a sound archive', () => {
  test.each(['manifest', 'stored', 'contents'] as const)('has no finding at depth %s', async (depth) => {
    const report = await look({ depth });
    expect(report).toMatchObject({
      ok: true,
      depth,
      archive: place.archive,
      totals: { exports: 4, damaged: 0, findings: 0 },
    });
    expect(report.totals.storedBytesRead > 0).toBe(depth !== 'manifest');
    expect(report.totals.contentBytesRead > 0).toBe(depth === 'contents');
  });

  test('is read and not written to', async () => {
    const before = snapshot(path.dirname(place.lake));
    await look();
    expect(snapshot(path.dirname(place.lake))).toEqual(before);
  });

  test('every export is looked at, also those that a newer one follows', async () => {
    at('2030-01-01T00:00:00Z');
    write(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv', 'id\n');
    await packInto(place);
    expect((await look()).totals.exports).toBe(5);
    expect((await look({ select: { all: true } })).totals.exports).toBe(4);
    expect((await look({ select: { exports: ['silver'], where: 'dt = 2025-10-11' } })).totals.exports).toBe(1);
  });

  test('that is open already is used, and stays open', async () => {
    const archive = await openArchive(place.archive, { mode: 'read' });
    expect((await look({ archive })).ok).toBe(true);
    expect((await look({ archive })).totals.exports).toBe(4);
  });
});

describe('a bundle by itself', () => {
  const bundles = (): string[] =>
    [...filesOf(place.archive).keys()]
      .filter((name) => name.endsWith('.zst'))
      .map((name) => path.join(place.archive, name));

  test('needs no archive', async () => {
    const report = await verify({ bundleFiles: bundles() });
    expect(report).toMatchObject({ ok: true, totals: { exports: 4, files: 4 } });
    expect(report).not.toHaveProperty('archive');
    expect(report.exports[1]!.path).toBe('silver/apps/dt=2025-10-11');
  });

  test('and one export of an archive, in one command', async () => {
    const report = await look({ bundleFiles: [bundles()[0]!], select: { exports: ['silver/apps/dt=2025-10-12'] } });
    expect(report.exports.map((one) => one.path)).toEqual([
      'bronze/apps/2025/10/11/run-a',
      'silver/apps/dt=2025-10-12',
    ]);
  });

  test('with its archive and no selection: the archive is not looked at', async () => {
    expect((await look({ bundleFiles: [bundles()[0]!] })).totals.exports).toBe(1);
  });
});

describe('a sample', () => {
  beforeEach(async () => {
    place = placeWith(
      Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [`silver/a/${index}.bin`, randomBytes(2_000, index)]),
      ),
    );
    await packInto(place);
  });

  test('looks at that share of the files', async () => {
    const report = await look({ sample: 0.25, sampleSeed: 7 });
    expect(report).toMatchObject({
      ok: true,
      sample: 0.25,
      sampleSeed: 7,
      totals: { files: 5, contentBytesRead: 10_000 },
    });
  });

  test('is the same for a seed, and another for another', async () => {
    fs.writeFileSync(...damaged(place, 14_000));
    const found = async (sampleSeed: number): Promise<string> =>
      JSON.stringify((await look({ sample: 0.2, sampleSeed })).exports[0]!.findings);
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const first = await Promise.all(seeds.map(found));
    expect(await Promise.all(seeds.map(found))).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });

  test('without a seed says which it took', async () => {
    const { sampleSeed } = await look({ sample: 0.5 });
    expect(Number.isInteger(sampleSeed)).toBe(true);
  });

  test('of stored blocks', async () => {
    const report = await look({ depth: 'stored', sample: 0.01 });
    expect(report).toMatchObject({ ok: true, totals: { contentBytesRead: 0 } });
    expect(report.totals.storedBytesRead).toBeGreaterThan(40_000);
  });

  test.each([0, -1, 1.1, Number.NaN])('of %d is refused', async (sample) => {
    expect(await codeOf(look({ sample }))).toBe('USAGE');
  });
});

test('what cannot be looked at is an error, not a finding', async () => {
  expect(await codeOf(verify({}))).toBe('USAGE');
  expect(await codeOf(look({ archive: `${place.archive}-none` }))).toBe('NOT_FOUND');
  expect(await codeOf(look({ archive: place.stateDir }))).toBe('NOT_FOUND');
  expect(await codeOf(look({ select: { exports: ['gold/none'] } }))).toBe('NOT_FOUND');
  expect(await codeOf(verify({ bundleFiles: [`${place.archive}/none.tar.zst`] }))).toBe('NOT_FOUND');
  const stop = new AbortController();
  stop.abort();
  expect(await codeOf(look({ signal: stop.signal }))).toBe('INTERRUPTED');
});

test('progress adds up to what is read', async () => {
  let bytes = 0;
  const items: string[] = [];
  const { totals } = await look({
    onProgress: (event) => {
      if (event.type === 'advance') bytes += event.bytes;
      if (event.type === 'item') items.push(event.status);
    },
  });
  // The seek table of a bundle is read before its frames, and not told by itself.
  expect(bytes).toBeGreaterThan(0.8 * totals.storedBytesRead);
  expect(bytes).toBeLessThanOrEqual(totals.storedBytesRead);
  expect(items).toEqual(['ok', 'ok', 'ok', 'ok']);
});

/** The bundle of a place with one, damaged at an offset: its path and bytes. */
function damaged({ archive }: Place, offset: number): [string, Buffer] {
  const disk = path.join(
    archive,
    [...filesOf(archive).keys()].find((name) => name.endsWith('.zst'))!,
  );
  const bytes = fs.readFileSync(disk);
  bytes[offset]! ^= 1;
  return [disk, bytes];
}
