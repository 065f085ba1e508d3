/** Verification of a part: drawn by chance, drawn again by its seed, never nothing. */
import { describe, expect, test } from 'vitest';
import type { Archive } from '../../../src/archive/archive.js';
import { verify, type VerifyOptions, type VerifyReport } from '../../../src/index.js';
import { randomBytes } from '../../bundle/kit.js';
import { faulty, type FaultyRemote } from '../../remote/faulty.js';
import { Archive as OpenArchive } from '../../../src/archive/archive.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, codeOf, keysOf, memoryArchive } = lakes;

const FILES = 20;
const TREE: lakes.Tree = Object.fromEntries(
  Array.from({ length: FILES }, (_, n) => [
    `silver/a/part-${String(n).padStart(2, '0')}.bin`,
    randomBytes(3_000 + n, n),
  ]),
);

interface Stored {
  readonly archive: Archive;
  readonly objects: Map<string, Buffer>;
  readonly bundle: string;
}

async function packed(tree = TREE): Promise<Stored> {
  const { memory, archive } = memoryArchive();
  await packInto(placeWith(tree), { to: archive });
  return { archive, objects: memory.objects, bundle: keysOf(memory, /\.tar\.zst$/)[0] ?? '' };
}

/** What was read of the archive by one sample. */
async function readBy(stored: Stored, options: Partial<VerifyOptions>): Promise<[VerifyReport, FaultyRemote['calls']]> {
  const remote = faulty(stored.archive.remote, []);
  return [await verify({ archive: new OpenArchive(remote), ...options }), remote.calls];
}

test.each([
  [0.001, 1],
  [0.05, 1],
  [0.051, 2],
  [0.5, 10],
  [0.999, 20],
])('a share of %f of 20 files is %i', async (sample, files) => {
  const report = await verify({ archive: (await packed()).archive, sample });
  expect(report).toMatchObject({ ok: true, sample, totals: { files, findings: 0 } });
  expect(report.totals.contentBytesRead).toBeGreaterThanOrEqual(files * 3_000);
  expect(report.sampleSeed).toBeTypeOf('number');
});

test('the same seed draws the same files, another one others', async () => {
  const stored = await packed();
  const bytes = async (sampleSeed: number): Promise<number> =>
    (await verify({ archive: stored.archive, sample: 0.2, sampleSeed })).totals.contentBytesRead;
  expect(await bytes(7)).toBe(await bytes(7));
  const drawn = new Set<number>();
  for (let seed = 0; seed < 8; seed += 1) drawn.add(await bytes(seed));
  expect(drawn.size).toBeGreaterThan(2);
});

test('the seed that a report tells draws the sample again', async () => {
  const stored = await packed();
  const [first] = await readBy(stored, { sample: 0.1 });
  const [again] = await readBy(stored, { sample: 0.1, sampleSeed: first.sampleSeed! });
  const { elapsedMs: _a, ...facts } = first;
  const { elapsedMs: _b, ...same } = again;
  expect(same).toEqual({ ...facts, archive: same.archive });
});

describe('a damage', () => {
  test.each(['stored', 'contents'] as const)('in nearly everything is found: %s', async (depth) => {
    const stored = await packed();
    const bytes = stored.objects.get(stored.bundle)!;
    // Every file but the ends of the bundle, which a sample may not look at.
    for (let at = 5_000; at < bytes.length - 2_000; at += 500) bytes[at] = bytes[at]! ^ 1;
    const report = await verify({ archive: stored.archive, depth, sample: 0.95 });
    expect(report.ok).toBe(false);
    const codes = new Set(report.exports[0]!.findings.map(({ code }) => code));
    expect([...codes].every((code) => ['BLOCK_HASH_WRONG', 'FRAME_INVALID', 'FILE_HASH_WRONG'].includes(code))).toBe(
      true,
    );
  });

  test('in one file is found by the seeds that draw it, and by no others', async () => {
    // Raw blocks without a frame's checksum would be one frame a file; here the frame tells.
    const stored = await packed({
      'silver/a/a.bin': randomBytes(1_500_000, 1),
      'silver/a/b.bin': randomBytes(1_500_000, 2),
    });
    const bytes = stored.objects.get(stored.bundle)!;
    bytes[700_000] = bytes[700_000]! ^ 1;
    const found: boolean[] = [];
    for (let sampleSeed = 0; sampleSeed < 12; sampleSeed += 1) {
      const { ok, exports } = await verify({ archive: stored.archive, sample: 0.5, sampleSeed });
      found.push(!ok);
      if (!ok) expect(exports[0]!.findings[0]!.where.path).toBe('silver/a/a.bin');
    }
    expect(new Set(found).size).toBe(2);
  });

  test('of the manifest, of the checksums, or a missing bundle is always found', async () => {
    const stored = await packed();
    for (const [pattern, code] of [
      [/SHA256SUMS$/, 'CHECKSUM_FILE_WRONG'],
      [/\.tar\.zst$/, 'BUNDLE_MISSING'],
    ] as const) {
      for (const key of [...stored.objects.keys()].filter((one) => pattern.test(one))) stored.objects.delete(key);
      const { exports } = await verify({ archive: stored.archive, sample: 0.01 });
      expect(exports[0]!.findings.map((one) => one.code)).toContain(code);
    }
  });

  test('of the seek table is told once, not for every file', async () => {
    const stored = await packed();
    const bytes = stored.objects.get(stored.bundle)!;
    bytes.fill(0, bytes.length - 9);
    const { exports } = await verify({ archive: stored.archive, sample: 0.9 });
    expect(exports[0]!.findings.map(({ code }) => code)).toEqual(['SEEK_TABLE_INVALID']);
  });
});

test.each(['stored', 'contents'] as const)('every export is looked at, also one without files: %s', async (depth) => {
  const stored = await packed({ 'silver/a/dt=1/x.txt': 'x', 'silver/a/dt=2': null, 'silver/a/dt=3/empty.txt': '' });
  const report = await verify({ archive: stored.archive, depth, sample: 0.01 });
  expect(report.exports).toHaveLength(3);
  for (const one of report.exports) expect(one.storedBytesRead, one.path).toBeGreaterThan(0);
});

test('a sample of the manifest depth reads manifests only', async () => {
  const [report, calls] = await readBy(await packed(), { depth: 'manifest', sample: 0.5 });
  expect(report.ok).toBe(true);
  expect(calls.filter((call) => /^(stream|readRange) .*\.zst$/.test(call))).toEqual([]);
});

test.each([0, -1, 1.01, Number.NaN])('a share of %f is refused', async (sample) => {
  expect(await codeOf(verify({ archive: (await packed({})).archive, sample }))).toBe('USAGE');
});
