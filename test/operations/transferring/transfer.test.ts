/** What a transfer does when nothing goes wrong, and what it finds when the data does. */
import { describe, expect, test } from 'vitest';
import { transfer, unpack, verify, type ProgressEvent } from '../../../src/index.js';
import { Archive } from '../../../src/archive/archive.js';
import { faulty } from '../../remote/faulty.js';
import { openMemoryRemote } from '../../remote/memory.js';
import { at, codeOf, makeFolder, packInto, placeWith, treeOf, write } from '../lakes.js';
import { codes, contents, copyOf, freshStateDir, keys, packedSource, send, statuses, writeLarge } from './kit.js';

describe('a transfer', () => {
  test('makes the target equal to the source, and finds nothing to do the next time', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote({ distant: true });
    const report = await send(remote, target);
    expect(contents(target)).toEqual(contents(remote));
    expect(report.totals).toMatchObject({ transferred: 4, present: 0, failed: 0, objects: 12, sourceDeleted: 0 });
    expect(report.exports.map(({ proof }) => proof)).toEqual(Array(4).fill('read-back'));
    const again = await send(remote, target);
    expect(again.totals).toMatchObject({ transferred: 0, present: 4, failed: 0, sentBytes: 0 });
  });

  test('takes every export with its history, a name or `all` the newest only', async () => {
    at('2025-10-11T08:00:00Z');
    const { place, remote } = await packedSource();
    write(place.lake, 'silver/apps/dt=2025-10-11/part-1.csv', 'id\n9\n');
    at('2025-10-12T08:00:00Z');
    await packInto(place, { to: new Archive(remote) });
    const count = async (select: Parameters<typeof send>[2]) =>
      (await send(remote, openMemoryRemote(), select)).totals.transferred;
    expect(await count({})).toBe(5);
    expect(await count({ select: { all: true } })).toBe(4);
    expect(await count({ select: { exports: ['silver/apps/dt=2025-10-11'] } })).toBe(1);
    expect(await count({ select: { exports: ['silver/apps/dt=2025-10-11'], history: true } })).toBe(2);
    expect(await count({ select: { layers: ['silver'] } })).toBe(4);
  });

  test('goes from folder to folder, and what is pulled can be restored', async () => {
    const place = placeWith();
    await packInto(place, { to: place.lake });
    const pulled = `${makeFolder()}/new/archive`;
    const report = await transfer({ from: place.lake, to: pulled, stateDir: place.stateDir });
    expect(report.exports.map(({ proof }) => proof)).toEqual(Array(4).fill('written-here'));
    expect((await verify({ archive: pulled })).ok).toBe(true);
    await unpack({ from: pulled, into: place.into });
    expect([...treeOf(place.into).keys()]).toEqual(
      [...treeOf(place.lake).keys()].filter((name) => !/^(exports|manifests)(\/|$)/.test(name)),
    );
  });

  test('carries the index of many files, and refuses one that is not the manifest’s', async () => {
    const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`silver/many/dt=1/f${n}`, `${n}`]));
    const { remote } = await packedSource(many);
    const target = openMemoryRemote({ distant: true });
    expect((await send(remote, target)).totals).toMatchObject({ transferred: 1, objects: 4 });
    expect(contents(target)).toEqual(contents(remote));
    const damaged = copyOf(remote);
    const [key = ''] = keys(damaged, /files\.jsonl\.zst$/);
    damaged.objects.get(key)!.writeUInt8(1, 20);
    const empty = openMemoryRemote();
    const report = await send(damaged, empty);
    expect(codes(report)).toEqual(['TRANSFER_FAILED']);
    expect(report.exports[0]?.findings[0]?.message).toContain('(HASH_MISMATCH)');
    expect(keys(empty, /manifests/)).toEqual([]);
  });

  test('sends a large bundle in parts that are its blocks, a bounded number of bytes in flight', async () => {
    const place = placeWith({});
    writeLarge(place, 40 * 1024 * 1024);
    const remote = openMemoryRemote();
    await packInto(place, { to: new Archive(remote) });
    const target = faulty(openMemoryRemote({ distant: true, checksums: true }), []);
    const events: ProgressEvent[] = [];
    const report = await send(remote, target, {
      memoryBytes: 1,
      onProgress: (event) => events.push(event),
    });
    expect(report.exports[0]).toMatchObject({ status: 'transferred', proof: 'store-sha256', bundles: 1 });
    expect(target.calls.filter((call) => call.startsWith('send '))).toHaveLength(3);
    const sum = (pick: (event: ProgressEvent & { type: 'advance' }) => number): number =>
      events.reduce((total, event) => total + (event.type === 'advance' ? pick(event) : 0), 0);
    expect(events.filter(({ type }) => type === 'total')).toEqual([
      { type: 'total', files: 3, bytes: report.totals.bytes },
    ]);
    expect({ files: sum((one) => one.files), bytes: sum((one) => one.bytes) }).toEqual({
      files: 3,
      bytes: report.totals.bytes,
    });
  });

  test('an export that the target has with another manifest is left alone, and the others go', async () => {
    const { remote } = await packedSource();
    const target = copyOf(remote);
    const [first = '', second = ''] = keys(target, /export\.json$/);
    target.objects.set(first, Buffer.from('{}'));
    target.objects.delete(second);
    const before = contents(target);
    const report = await send(remote, target);
    expect(report.totals).toMatchObject({ transferred: 1, present: 2, failed: 1 });
    expect(codes(report)).toEqual(['EXPORT_DIFFERS']);
    expect(contents(target)).toEqual({ ...before, [second]: contents(remote)[second] });
  });

  test.each(['missing', 'damaged', 'cut short'])(
    'a bundle that is %s in the source fails its export only',
    async (how) => {
      const { remote } = await packedSource();
      const [key = ''] = keys(remote, /tar\.zst$/);
      const bundle = remote.objects.get(key)!;
      if (how === 'missing') remote.objects.delete(key);
      else if (how === 'damaged') bundle[bundle.length - 1]! ^= 1;
      else remote.objects.set(key, bundle.subarray(0, 10));
      const target = openMemoryRemote({ distant: true });
      const report = await send(remote, target);
      expect(report.totals).toMatchObject({ transferred: 3, failed: 1 });
      expect(codes(report)).toEqual(['TRANSFER_FAILED']);
      expect(keys(target, /export\.json$/)).toHaveLength(3);
    },
  );

  test('takes from a fallback what the source cannot give, and says so', async () => {
    const { remote } = await packedSource();
    const sound = copyOf(remote);
    const [bundle = ''] = keys(remote, /tar\.zst$/);
    const [, manifest = ''] = keys(remote, /export\.json$/);
    remote.objects.get(bundle)![30]! ^= 1;
    remote.objects.set(manifest, Buffer.from('{'));
    const target = openMemoryRemote({ distant: true });
    const report = await send(remote, target, { fallbacks: [sound] });
    expect(report.totals).toMatchObject({ transferred: 4, failed: 0 });
    expect(codes(report)).toEqual(['HEALED', 'HEALED']);
    expect(report.findings.map(({ where }) => where.block)).toContain(0);
    expect(contents(target)).toEqual(contents(sound));
  });

  test('garbage under the names of an export is replaced, what is right is kept', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote({ distant: true });
    const [right = '', wrong = ''] = keys(remote, /tar\.zst$/);
    target.objects.set(right, Buffer.from(remote.objects.get(right)!));
    target.objects.set(wrong, Buffer.from('garbage'));
    for (const key of keys(remote, /SHA256SUMS$/)) target.objects.set(key, Buffer.from('x'));
    const watched = faulty(target, []);
    const report = await send(remote, watched);
    expect(report.totals.failed).toBe(0);
    expect(contents(target)).toEqual(contents(remote));
    expect(watched.calls.filter((call) => call === `delete ${right}`)).toEqual([]);
  });

  test('SHA256SUMS that says something else than its manifest is not passed on', async () => {
    const { remote } = await packedSource();
    const [sums = '', other = ''] = keys(remote, /SHA256SUMS$/);
    remote.objects.set(sums, Buffer.from('0000  x\n'));
    remote.objects.delete(other);
    const report = await send(remote, openMemoryRemote());
    expect(report.totals).toMatchObject({ transferred: 3, failed: 1 });
  });

  test('inside of one store the store copies, and the copy is proven all the same', async () => {
    const { remote } = await packedSource();
    const report = await send(remote, sameStore(remote), { proof: 'auto' });
    expect(report.exports.every((one) => one.copied && one.proof === 'read-back' && one.sentBytes < 500)).toBe(true);
    expect(report.totals.transferred).toBe(4);
  });

  test('two pushes of the same exports at once end well', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote({ distant: true });
    const reports = await Promise.all([send(remote, target), send(remote, target), send(remote, target)]);
    expect(reports.map(({ totals }) => totals.failed)).toEqual([0, 0, 0]);
    expect(contents(target)).toEqual(contents(remote));
  });
});

describe('a dry run', () => {
  test('writes nothing, makes no folder, and tells the requests that a run then makes at most', async () => {
    const { remote } = await packedSource(undefined, { distant: true });
    const stateDir = freshStateDir();
    const from = faulty(remote, []);
    const to = faulty(openMemoryRemote({ distant: true }), []);
    const plan = await send(from, to, { dryRun: true, stateDir });
    expect(statuses(plan).every((line) => line.endsWith(' planned'))).toBe(true);
    expect(to.calls.filter((call) => /^(put|begin|delete)/.test(call))).toEqual([]);
    const calls = [from.calls.length, to.calls.length];
    await send(from, to, { stateDir });
    const made = [...from.calls.slice(calls[0]), ...to.calls.slice(calls[1])];
    const writes = made.filter((call) => /^(put|list|begin|send|complete) /.test(call)).length;
    const reads = made.filter((call) => /^(read|readRange|stream|head) /.test(call)).length;
    expect(plan.totals.requests.write).toBe(writes);
    expect(plan.totals.requests.read).toBe(reads);
    expect(plan.totals).toMatchObject({ planned: 4, objects: 12, sentBytes: 0 });
    const folder = `${makeFolder()}/nothing`;
    await transfer({ from: new Archive(remote), to: folder, dryRun: true, stateDir });
    expect(treeOf(folder)).toEqual(new Map());
  });
});

describe('what is refused', () => {
  test('one archive twice, a target inside the source, deletion without a proof, and odd numbers', async () => {
    const { place, remote } = await packedSource();
    const lake = place.lake;
    const refused = (options: Parameters<typeof transfer>[0]): Promise<string> => codeOf(transfer(options));
    expect(await refused({ from: lake, to: `${lake}/../lake/` })).toBe('USAGE');
    expect(await refused({ from: lake, to: `${lake}/new/archive` })).toBe('USAGE');
    expect(treeOf(`${lake}/new`)).toEqual(new Map());
    const archive = new Archive(remote);
    expect(await refused({ from: archive, to: archive })).toBe('USAGE');
    const to = new Archive(openMemoryRemote());
    expect(await refused({ from: archive, to, deleteSource: true, proof: 'sample' })).toBe('USAGE');
    expect(await refused({ from: archive, to, deleteSource: true, proof: 'none' })).toBe('USAGE');
    expect(await refused({ from: archive, to, concurrency: 0 })).toBe('USAGE');
    expect(await refused({ from: archive, to, bandwidthBytesPerSecond: 0.5 })).toBe('USAGE');
    expect(await refused({ from: `${lake}/nowhere`, to: place.archive })).toBe('NOT_FOUND');
  });
});

/** A target in the same store under another identity: it copies by itself. */
function sameStore(source: ReturnType<typeof openMemoryRemote>): ReturnType<typeof openMemoryRemote> {
  const target = openMemoryRemote();
  return {
    ...target,
    copy: async (_from, fromKey, key) => {
      const bytes = source.objects.get(fromKey);
      if (bytes !== undefined) target.objects.set(key, bytes);
      return bytes !== undefined;
    },
  };
}
