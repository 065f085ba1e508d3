/** Archives that cannot give everything: what they lack comes from their fallbacks, and the report says so. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { LakepackError } from '../../../src/base/errors.js';
import { openArchive, unpack, verify, type UnpackReport } from '../../../src/index.js';
import { faulty } from '../../remote/faulty.js';
import { codeOf, filesOf, packInto, placeWith, treeOf, write, type Place } from '../lakes.js';

let place: Place;
let second: string;
let bundle: string;
let manifest: string;

beforeEach(async () => {
  place = placeWith();
  write(place.lake, 'gold/big/dt=2025-10-11/random.bin', randomBytes(300_000));
  await packInto(place);
  second = `${place.archive}-2`;
  fs.cpSync(place.archive, second, { recursive: true });
  const names = [...filesOf(place.archive).keys()].filter((name) => name.includes('gold/'));
  bundle = path.join(place.archive, names.find((name) => name.endsWith('.tar.zst')) ?? '');
  manifest = path.join(place.archive, names.find((name) => name.endsWith('.export.json')) ?? '');
});

async function restored(fallback: readonly string[] = [second]): Promise<UnpackReport> {
  const report = await unpack({ from: { location: place.archive, fallback }, into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  return report;
}

test('with nothing damaged nothing is healed', async () => {
  expect(await restored()).toMatchObject({ healed: [], findings: [] });
});

test.each<[string, () => void]>([
  ['has a flipped bit', () => flip(bundle)],
  ['is cut short', () => fs.truncateSync(bundle, 1_000)],
  ['is empty', () => fs.truncateSync(bundle, 0)],
  ['is missing', () => fs.rmSync(bundle)],
])('a bundle that %s comes from the fallback, block by block', async (_, damage) => {
  damage();
  expect(await codeOf(unpack({ from: place.archive, into: `${place.into}-alone` }))).not.toBe('no error');
  const report = await restored();
  const name = path.basename(bundle);
  expect(report.healed).toEqual([{ from: place.archive, by: second, blocks: 1, objects: 0 }]);
  expect(report.findings).toMatchObject([
    { code: 'HEALED', severity: 'warning', where: { bundle: name, block: 0, partition: 'gold/big/dt=2025-10-11' } },
  ]);
  expect(report.findings[0]?.message).toContain(second);
  expect(report.findings[0]?.message).toContain(name);
});

test('a manifest that is damaged comes from the fallback', async () => {
  fs.writeFileSync(manifest, '{');
  const report = await restored();
  expect(report.healed).toEqual([{ from: place.archive, by: second, blocks: 0, objects: 1 }]);
  expect(report.findings).toMatchObject([{ code: 'HEALED', where: { partition: 'gold/big/dt=2025-10-11' } }]);
});

test('an archive that is gone is restored from its fallback altogether', async () => {
  fs.rmSync(place.archive, { recursive: true });
  const report = await restored();
  expect(report.healed[0]).toMatchObject({ by: second });
  expect(report.healed[0]!.blocks).toBe(4);
});

test('a store that cannot be reached is not asked for every block', async () => {
  const primary = await openArchive(place.archive, { mode: 'read' });
  const fallback = await openArchive(second, { mode: 'read' });
  const error = (): Error => new LakepackError('REMOTE_UNAVAILABLE', 'store: no answer', { retryable: true });
  const remote = faulty(primary.remote, [{ kind: 'fail', share: 1, error }]);
  const report = await unpack({ from: new Archive(remote, { fallbacks: [fallback] }), into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  expect(report.healed[0]).toMatchObject({ blocks: 4 });
  expect(remote.calls.length).toBeLessThan(3);
});

test('a fallback that is damaged too, or no archive at all, is passed over for the next', async () => {
  flip(bundle);
  const third = `${place.archive}-3`;
  fs.cpSync(second, third, { recursive: true });
  flip(bundle.replace(place.archive, second));
  const report = await restored([`${place.archive}-none`, second, third]);
  expect(report.healed).toEqual([{ from: place.archive, by: third, blocks: 1, objects: 0 }]);
});

test('the configuration of a named remote may say its fallbacks', async () => {
  fs.rmSync(bundle);
  const remotes = new Map([['first', { path: place.archive, fallback: [second] }]]);
  const from = { location: 'first:', context: { environment: {}, remotes } };
  const report = await unpack({ from, into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  expect(report.healed).toMatchObject([{ by: second, blocks: 1 }]);
});

test('when no archive has it, the error is that of the first, and says what the others said', async () => {
  flip(bundle);
  fs.rmSync(bundle.replace(place.archive, second));
  const run = unpack({ from: { location: place.archive, fallback: [second] }, into: place.into });
  const error: unknown = await run.catch((one: unknown) => one);
  expect(error).toMatchObject({ code: 'HASH_MISMATCH', hint: expect.stringContaining(second) as string });
  expect(fs.existsSync(place.into)).toBe(false);
});

test('a verify looks at the archive itself, whatever its fallbacks have', async () => {
  fs.rmSync(bundle);
  const report = await verify({ archive: { location: place.archive, fallback: [second] } });
  expect(report.ok).toBe(false);
  expect(report.exports.flatMap((one) => one.findings.map(({ code }) => code))).toContain('BUNDLE_MISSING');
});

function flip(file: string): void {
  const bytes = fs.readFileSync(file);
  bytes[bytes.length >> 1]! ^= 0x10;
  fs.writeFileSync(file, bytes);
}
