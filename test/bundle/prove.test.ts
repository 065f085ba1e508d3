/**
 * A proof says "sound" only where a check finds nothing, and of every bundle that lakepack writes: over random trees, random
 * damage, every flipped byte and every lie that a bag can tell with hashes that fit.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import { openInlineRunner } from '../../src/base/job-runner.js';
import { SlabPool } from '../../src/base/slabs.js';
import type { ByteSource } from '../../src/bundle/byte-source.js';
import type { BundleCheck } from '../../src/bundle/check.js';
import { FRAME_MAX_STORED_BYTES } from '../../src/bundle/frame-reader.js';
import { BundleProof, type BundleProofOptions } from '../../src/bundle/prove-bundle.js';
import { createProveFrame } from '../../src/bundle/prove-frame.js';
import { createEntryRules } from '../../src/schema/entry-rules.js';
import type { FileEntry } from '../../src/schema/export-manifest.js';
import { schemaFaults } from '../../src/schema/validator.js';
import { bundleOfTar, factsOf, forge, framesOf, joinFrames, partsOf, retagged, tarFrom, tarOf } from './forge.js';
import {
  build,
  check,
  NEWEST_MTIME,
  randomBytes,
  sidecarOf,
  sourceOf,
  textBytes,
  type Built,
  type Tree,
} from './kit.js';
import { recut, smallBundle } from './small.js';
import { trees } from './trees.js';

const MIB = 1024 * 1024;
const RUNS = Number(process.env['LAKEPACK_PROOFS'] ?? 30);
/** Of bytes that are flipped one by one: every so many. */
const EVERY = process.env['LAKEPACK_ALL_FLIPS'] === '1' ? 1 : 31;
const TIMEOUT_MS = 300_000;
type Against = Pick<Built, 'facts' | 'entries' | 'spec'>;

/** Lent to one proof after the other: to take the memory anew for each takes longer than all else here. */
const MOST_SLABS = 3;
const slabs = new SlabPool(FRAME_MAX_STORED_BYTES, MOST_SLABS);

/** What the proof says; the slabs it borrowed must all be back. */
async function prove(
  bytes: Buffer,
  against: Against,
  more: Partial<BundleProofOptions> & { readonly source?: ByteSource; readonly entries?: readonly FileEntry[] } = {},
): Promise<BundleCheck | undefined> {
  const { manifest, facts, number } = sidecarOf(against);
  const proof = await BundleProof.open(more.source ?? sourceOf(bytes), {
    sidecar: { manifest, facts, number },
    isOnly: false,
    runner: openInlineRunner({ proveFrame: createProveFrame() }),
    slabs,
    signal: undefined,
    onBytes: () => undefined,
    ...more,
  });
  const entries = more.entries ?? against.entries;
  try {
    // In two parts, as entries come in batches.
    await proof?.add(entries.slice(0, 1), []);
    await proof?.add(entries.slice(1), []);
    return await proof?.end();
  } finally {
    await proof?.close();
    const back = [];
    while (back.length < MOST_SLABS) back.push(await slabs.take());
    back.forEach((slab) => slabs.give(slab));
  }
}

/** A proof is asked only of entries that keep the rules. */
function keepRules({ facts, entries }: Against): boolean {
  const totals = { files: 0, directories: 0, bytes: 0, storedBytes: 0 };
  const rules = createEntryRules({ bundles: [facts], totals, contentDigest: '' });
  return entries.every((entry) => {
    const placed = { ...entry, bundle: 1 };
    return schemaFaults('file-entry.v1', placed).length === 0 && rules.next(placed).length === 0;
  });
}

/** Fails where the proof says more than the check. */
async function expectNoMore(bytes: Buffer, against: Against, what: string): Promise<boolean> {
  const proven = keepRules(against) ? await prove(bytes, against) : undefined;
  if (proven === undefined) return false;
  const checked = await check(bytes, against);
  expect(checked.findings, what).toEqual([]);
  expect(proven, what).toEqual(checked);
  return true;
}

describe('a bundle that lakepack wrote', () => {
  test('is sound, and the proof tells what a check tells', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        async (tree, level, n) => {
          const built = await build(tree, { level, number: n });
          if (built.entries.length === 0) return;
          expect(await prove(built.bytes, built)).toEqual(await check(built.bytes, built));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('is sound in many frames, with files that lie in several, and with the time of its newest entry', async () => {
    const tree = {
      'a/noise': randomBytes(1.2 * MIB, 1),
      'b/small': 'small',
      'c/long': randomBytes(9 * MIB, 4),
      'd/text': textBytes(5 * MIB, 2),
      'e/%odd\n': 'odd',
      'f/empty': null,
      'g/run': '#!',
    };
    const built = await build(tree, { executable: ['g/run'], contents: { 'b/small': { format: 'csv', rows: 7 } } });
    expect(built.facts.frames).toBeGreaterThan(6);
    const checked = await check(built.bytes, built);
    expect(await prove(built.bytes, built)).toEqual(checked);
    expect(await prove(built.bytes, built, { isOnly: true })).toEqual(checked);
  });

  test('is sound with times before 1970 and after 2242, long names and another level', async () => {
    const long = `${'x'.repeat(200)}/${'é'.repeat(100)}`;
    const tree = { [long]: 'long', 'y/old': 'old', 'z/new': 'new' };
    const built = await build(tree, {
      mtime: (path) => (path === 'y/old' ? -5 : path === 'z/new' ? 9e9 : NEWEST_MTIME),
    });
    expect(await prove(built.bytes, built)).toEqual(await check(built.bytes, built));
  });

  test('cut into frames at any place is sound or left to the check', async () => {
    const small = await smallBundle();
    const tar = await tarOf(small.bytes);
    let sound = 0;
    for (const frameBytes of [512, 1_024, 1_536, 4_096, 10_240, MIB]) {
      const bytes = bundleOfTar(tar, frameBytes);
      if (await expectNoMore(bytes, { ...small, facts: await factsOf(bytes, small.facts) }, `${frameBytes}`))
        sound += 1;
    }
    expect(sound).toBeGreaterThan(1);
  });
});

describe('damage', () => {
  let small: Built;
  let tar: Buffer;
  beforeAll(async () => {
    small = await smallBundle(8_192);
    tar = await tarOf(small.bytes);
    expect(await prove(small.bytes, small)).toBeDefined();
  });

  test(
    'of any byte of the bundle, and any cut, is not sound',
    async () => {
      for (let at = 0; at < small.bytes.length; at += EVERY) {
        const bytes = Buffer.from(small.bytes);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
        if ((await prove(bytes, small)) !== undefined) expect.fail(`byte ${at}`);
        if ((await prove(small.bytes.subarray(0, at), small)) !== undefined) expect.fail(`${at} bytes`);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'of any byte of the tar, with hashes that fit, is sound only where a check finds nothing',
    async () => {
      for (let at = 0; at < tar.length; at += EVERY) {
        const changed = Buffer.from(tar);
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at);
        const bytes = bundleOfTar(changed);
        const against = { ...small, facts: await factsOf(bytes, small.facts) };
        await expectNoMore(bytes, against, `byte ${at} of the tar`);
      }
    },
    TIMEOUT_MS,
  );

  test('of the tar cut short or made longer is sound only where a check finds nothing', async () => {
    for (let end = 512; end < tar.length; end += 512) {
      const bytes = await recut(tar.subarray(0, end), 4_096);
      await expectNoMore(bytes, { ...small, facts: await factsOf(bytes, small.facts) }, `a tar of ${end} bytes`);
    }
    for (const more of [Buffer.alloc(512), Buffer.alloc(10_240), Buffer.from('x'.repeat(512))]) {
      const bytes = bundleOfTar(Buffer.concat([tar, more]));
      await expectNoMore(bytes, { ...small, facts: await factsOf(bytes, small.facts) }, `${more.length} bytes more`);
    }
  });

  test('frames swapped, twice or missing, with facts that fit, are not sound', async () => {
    const built = await build({ a: randomBytes(1.1 * MIB, 1), b: randomBytes(1.1 * MIB, 2), c: textBytes(5 * MIB) });
    const frames = await framesOf(built.bytes);
    for (let n = 1; n < frames.length; n += 1) {
      const before = frames.slice(0, n - 1);
      for (const changed of [
        [...before, frames[n]!, frames[n - 1]!, ...frames.slice(n + 1)],
        [...before, frames[n]!, ...frames.slice(n)],
        [...before, ...frames.slice(n)],
      ]) {
        const bytes = joinFrames(changed);
        expect(await expectNoMore(bytes, { ...built, facts: await factsOf(bytes, built.facts) }, `${n}`)).toBe(false);
      }
    }
  });
});

describe('a lie', () => {
  const tree: Tree = { 'a/one': 'one', 'b/empty': null, 'b/two': 'two', 'c/%three': 'three', 'd/four': '' };

  test('in any entry of the sidecar is sound only where a check finds nothing', async () => {
    const built = await build(tree, { executable: ['b/two'], contents: { 'a/one': { format: 'csv', rows: 7 } } });
    const lies: Partial<Record<keyof FileEntry | 'x', unknown>>[] = [
      { bytes: 4 },
      { bytes: 512 },
      { sha256: 'f'.repeat(64) },
      { sha256: undefined },
      { mtime: 5 },
      { mtime: -5 },
      { executable: true },
      { executable: undefined },
      { type: 'directory' },
      { offset: 512 },
      { offset: 1_024 * 1_024 },
      { path: 'a/onf' },
      { content: { format: 'csv', rows: 8 } },
      { content: undefined },
      { x: 1 },
      { stored: { offset: 0, length: 1, skip: 0 } },
    ];
    let sound = 0;
    for (const index of built.entries.keys()) {
      for (const lie of lies) {
        const entries = built.entries.map((entry, at) => {
          if (at !== index) return entry;
          const changed = Object.entries({ ...entry, ...lie }).filter(([, value]) => value !== undefined);
          return Object.fromEntries(changed) as unknown as FileEntry;
        });
        const what = `${built.entries[index]?.path ?? ''}: ${JSON.stringify(lie)}`;
        if (await expectNoMore(built.bytes, { ...built, entries }, what)) sound += 1;
      }
      const without = built.entries.filter((_, at) => at !== index);
      expect(await expectNoMore(built.bytes, { ...built, entries: without }, `without ${index}`)).toBe(false);
    }
    // `stored` is not of the bundle, and some lies are true of some entries.
    expect(sound).toBeGreaterThanOrEqual(built.entries.length);
  });

  test('in the facts or in the head of the sidecar is not sound', async () => {
    const built = await build(tree);
    const { facts, spec } = built;
    const places = { offset: facts.seekTable.offset - 8, bytes: facts.seekTable.bytes + 8 };
    for (const lie of [
      { storedBytes: facts.storedBytes + 1 },
      { sha256: 'f'.repeat(64) },
      { blocks: { size: facts.blocks.size, sha256: ['f'.repeat(64)] } },
      { blocks: { size: facts.blocks.size, sha256: [...facts.blocks.sha256, ...facts.blocks.sha256] } },
      { tarBytes: facts.tarBytes + 512 },
      { frames: facts.frames + 1 },
      { seekTable: places },
    ]) {
      expect(await expectNoMore(built.bytes, { ...built, facts: { ...facts, ...lie } }, JSON.stringify(lie))).toBe(
        false,
      );
    }
    for (const lie of [
      { number: 2 },
      { source: { ...spec.source, path: 'silver/y' } },
      { source: { ...spec.source, dataset: 'y' } },
      { provenance: { licence: 'mine' } },
      { tool: { ...spec.tool, level: 9 } },
    ]) {
      const against = { ...built, spec: { ...spec, ...lie } };
      expect(await expectNoMore(built.bytes, against, JSON.stringify(lie))).toBe(false);
    }
  });

  test('in any file of the bag, with a tag manifest that fits, is sound only where a check finds nothing', async () => {
    const built = await build(tree);
    const names = partsOf(await tarOf(built.bytes), built.bag).map(({ name }) => name);
    for (const name of names) {
      for (const change of ['first', 'last', 'longer', 'gone', 'time', 'mode'] as const) {
        const forged = await forge(built, (parts) =>
          parts.flatMap((part) => {
            if (part.name !== name || part.type !== 'file') return [part];
            const content = Buffer.from(part.content);
            if (change === 'gone') return [];
            if (change === 'time') return [{ ...part, mtime: part.mtime + 1 }];
            if (change === 'mode') return [{ ...part, executable: !part.executable }];
            if (change === 'longer') return [{ ...part, content: Buffer.concat([content, Buffer.from('\n')]) }];
            if (content.length > 0) content[change === 'first' ? 0 : content.length - 1]! ^= 1;
            return [{ ...part, content }];
          }),
        );
        await expectNoMore(forged.bytes, forged, `${name}: ${change}`);
      }
    }
  });

  test('entries more, twice or out of order are not sound', async () => {
    const built = await build(tree);
    const parts = retagged(partsOf(await tarOf(built.bytes), built.bag));
    for (const [at, part] of parts.entries()) {
      const twice = [...parts.slice(0, at), part, ...parts.slice(at)];
      const swapped = [...parts.slice(0, at), ...parts.slice(at + 1, at + 2), part, ...parts.slice(at + 2)];
      for (const changed of [twice, ...(at === parts.length - 1 ? [] : [swapped])]) {
        const bytes = bundleOfTar(tarFrom(changed, built.bag));
        expect(await expectNoMore(bytes, { ...built, facts: await factsOf(bytes, built.facts) }, part.name)).toBe(
          false,
        );
      }
    }
  });
});

describe('a proof that cannot go on', () => {
  let built: Built;
  beforeAll(async () => {
    built = await build({ a: randomBytes(1.1 * MIB, 1), b: randomBytes(9 * MIB, 2), c: 'c' });
  });

  test.each([2, 3, 5])('throws what the store throws at read %i, and gives everything back', async (nth) => {
    let reads = 0;
    const source = sourceOf(built.bytes);
    const failing = {
      ...source,
      read: async (offset: number, length: number) => {
        reads += 1;
        if (reads === nth) throw new LakepackError('REMOTE_UNAVAILABLE', 'x: on purpose');
        return await source.read(offset, length);
      },
    };
    await expect(prove(built.bytes, built, { source: failing })).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE' });
  });

  test('throws INTERRUPTED after an abort', async () => {
    const signal = AbortSignal.abort();
    await expect(prove(built.bytes, built, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('throws what a job throws that is no damage', async () => {
    const proveFrame = async (): Promise<never> => {
      throw new LakepackError('INTERNAL', 'x: on purpose');
    };
    const runner = openInlineRunner({ proveFrame });
    await expect(prove(built.bytes, built, { runner })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('without entries says nothing', async () => {
    expect(await prove(built.bytes, built, { entries: [] })).toBeUndefined();
  });

  test('progress of a sound bundle adds up to all of it', async () => {
    const sums = { stored: 0, content: 0 };
    const onBytes = (stored: number, content: number): void => {
      sums.stored += stored;
      sums.content += content;
    };
    await prove(built.bytes, built, { onBytes });
    expect(sums).toEqual({ stored: built.facts.storedBytes, content: built.facts.tarBytes });
  });
});
