/** Damage of every kind to an archive: all of it is found, each with a code, a place and something to do. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/base/findings.js';
import { verify, type VerifyOptions, type VerifyReport } from '../../../src/index.js';
import { randomBytes } from '../../bundle/kit.js';
import { filesOf, packInto, placeWith, type Place } from '../lakes.js';

let place: Place;
beforeEach(async () => {
  place = placeWith({ 'silver/a/dt=1/x.txt': 'x'.repeat(900), 'silver/a/dt=2/y.bin': randomBytes(3_000_000) });
  await packInto(place);
});

function look(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verify({ archive: place.archive, ...options });
}

/** The object whose key matches. */
function disk(pattern: RegExp): string {
  const [name] = [...filesOf(place.archive).keys()].filter((key) => pattern.test(key));
  if (name === undefined) throw new Error(`nothing matches ${pattern}`);
  return path.join(place.archive, name);
}

function change(pattern: RegExp, how: (bytes: Buffer) => Buffer): void {
  fs.writeFileSync(disk(pattern), how(fs.readFileSync(disk(pattern))));
}

function findingsOf(report: VerifyReport): Finding[] {
  return report.exports.flatMap((one) => one.findings);
}

function codesOf(report: VerifyReport): string[] {
  return [...new Set(findingsOf(report).map(({ code }) => code))].sort();
}

const BUNDLE = /dt=2\/.*\.tar\.zst$/;
const MANIFEST = /dt=2\/.*\.export\.json$/;
const SUMS = /dt=2\/.*SHA256SUMS$/;

const flip =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at < 0 ? copy.length + at : at]! ^= 1;
    return copy;
  };
const edit =
  (change: (manifest: Record<string, unknown>) => void) =>
  (bytes: Buffer): Buffer => {
    const manifest = JSON.parse(bytes.toString()) as Record<string, unknown>;
    change(manifest);
    return Buffer.from(JSON.stringify(manifest));
  };

/** What is done, and which finding there must be from which depth on. */
const DAMAGES: readonly [string, RegExp, (bytes: Buffer) => Buffer, string, 'manifest' | 'stored' | 'contents'][] = [
  ['a flipped bit in a frame', BUNDLE, flip(1_500_000), 'BLOCK_HASH_WRONG', 'stored'],
  ['a flipped bit in the seek table', BUNDLE, flip(-12), 'BUNDLE_HASH_WRONG', 'stored'],
  ['a bundle that is cut', BUNDLE, (bytes) => bytes.subarray(0, -1), 'BUNDLE_SIZE_WRONG', 'manifest'],
  [
    'a bundle that is longer',
    BUNDLE,
    (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
    'BUNDLE_SIZE_WRONG',
    'manifest',
  ],
  ['a bundle that is empty', BUNDLE, () => Buffer.alloc(0), 'BUNDLE_SIZE_WRONG', 'manifest'],
  ['a checksum file that is wrong', SUMS, flip(0), 'CHECKSUM_FILE_WRONG', 'manifest'],
  ['a manifest that is no JSON', MANIFEST, (bytes) => bytes.subarray(0, 100), 'MANIFEST_INVALID', 'manifest'],
  ['a manifest that is empty', MANIFEST, () => Buffer.alloc(0), 'MANIFEST_INVALID', 'manifest'],
  [
    'a manifest of another export',
    MANIFEST,
    edit((one) => (one['exportId'] = '20200101T000000Z-00000000')),
    'MANIFEST_INVALID',
    'manifest',
  ],
  [
    'a manifest with other totals',
    MANIFEST,
    edit((one) => ((one['totals'] as { files: number }).files = 2)),
    'MANIFEST_INVALID',
    'manifest',
  ],
];

describe.each(DAMAGES)('%s', (_, pattern, how, code, from) => {
  const depths = (['manifest', 'stored', 'contents'] as const).filter((_, index, all) => index >= all.indexOf(from));

  test.each(depths)('is found at depth %s', async (depth) => {
    change(pattern, how);
    const report = await look({ depth });
    expect(codesOf(report)).toContain(code);
    expect(report).toMatchObject({ ok: false, totals: { exports: 2, damaged: 1 } });
    expect(report.exports.map((one) => one.ok)).toEqual([true, false]);
    for (const one of findingsOf(report)) expect(one.repair ?? '').not.toBe('');
  });
});

test.each([
  ['the bundle', BUNDLE, 'BUNDLE_MISSING'],
  ['the checksum file', SUMS, 'CHECKSUM_FILE_WRONG'],
])('%s that is missing is found', async (_, pattern, code) => {
  fs.rmSync(disk(pattern));
  for (const depth of ['manifest', 'stored', 'contents'] as const)
    expect(codesOf(await look({ depth }))).toEqual([code]);
});

test('all damage is told, not the first: three places in one bundle, and the other bundle too', async () => {
  const bytes = fs.readFileSync(disk(BUNDLE));
  for (const at of [500_000, 1_500_000, 2_500_000]) bytes[at]! ^= 1;
  fs.writeFileSync(disk(BUNDLE), bytes);
  fs.rmSync(disk(/dt=1\/.*\.tar\.zst$/));
  const report = await look();
  expect(report.totals.damaged).toBe(2);
  expect(codesOf(report)).toEqual(expect.arrayContaining(['BUNDLE_MISSING', 'BUNDLE_HASH_WRONG', 'FILE_HASH_WRONG']));
  expect(
    findingsOf(report)
      .filter(({ code }) => code === 'FILE_HASH_WRONG')
      .map(({ where }) => where.path),
  ).toEqual(['silver/a/dt=2/y.bin']);
});

describe('a bundle that no manifest names', () => {
  test('is told as a warning', async () => {
    fs.rmSync(disk(MANIFEST));
    const report = await look();
    expect(report.ok).toBe(true);
    expect(findingsOf(report)).toMatchObject([
      { code: 'BUNDLE_ORPHANED', severity: 'warning', where: { partition: 'silver/a/dt=2' } },
    ]);
  });

  test('is told also when no export is left', async () => {
    fs.rmSync(path.join(place.archive, 'manifests'), { recursive: true });
    expect(codesOf(await look())).toEqual(['BUNDLE_ORPHANED']);
  });

  test('is not told of when something was selected', async () => {
    fs.rmSync(disk(MANIFEST));
    expect((await look({ select: { all: true } })).totals.findings).toBe(0);
  });
});

describe('an index of file entries that is damaged', () => {
  const INDEX = /\.files\.jsonl\.zst$/;
  beforeEach(async () => {
    const files = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`silver/b/${index}`, `${index}`]));
    place = placeWith(files);
    await packInto(place);
  });

  test('is a finding, wherever it is damaged, and the bundle is looked at all the same', async () => {
    const sound = fs.readFileSync(disk(INDEX));
    change(/\.tar\.zst$/, flip(2_000));
    for (const at of [0, 5, 40, Math.floor(sound.length / 2), -1]) {
      fs.writeFileSync(disk(INDEX), flip(at)(sound));
      for (const sample of [1, 0.5]) {
        const report = await look({ sample });
        expect(codesOf(report)).toEqual(expect.arrayContaining(['FILES_INDEX_DAMAGED', 'BLOCK_HASH_WRONG']));
      }
    }
  });

  test('is a finding when it is cut, longer or missing', async () => {
    const sound = fs.readFileSync(disk(INDEX));
    for (const bytes of [sound.subarray(0, -1), Buffer.concat([sound, sound]), Buffer.alloc(0)]) {
      fs.writeFileSync(disk(INDEX), bytes);
      for (const sample of [1, 0.5]) expect(codesOf(await look({ sample }))).toEqual(['FILES_INDEX_DAMAGED']);
    }
    fs.rmSync(disk(INDEX));
    expect(codesOf(await look())).toEqual(['FILES_INDEX_DAMAGED']);
  });
});

test('a lone bundle that is damaged: all findings, and where', async () => {
  change(BUNDLE, flip(1_500_000));
  const report = await verify({ bundleFiles: [disk(BUNDLE)] });
  expect(report).toMatchObject({ ok: false, totals: { damaged: 1 } });
  expect(findingsOf(report).every(({ where }) => where.bundle === path.basename(disk(BUNDLE)))).toBe(true);
  expect(codesOf(report)).toEqual(['BAG_INVALID']);
});
