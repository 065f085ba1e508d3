/** Reading a bundle whose manifest is known: few requests, bounded memory, and every block compared where there is a choice. */
import { describe, expect, test } from 'vitest';
import { bundleReader } from '../../src/archive/bundle-reader.js';
import { ReadOrder } from '../../src/archive/read-order.js';
import { readSeekTable } from '../../src/bundle/frame-reader.js';
import type { BundleFacts } from '../../src/schema/export-manifest.js';
import { build, collect, randomBytes } from '../bundle/kit.js';
import { expectCode, pattern } from '../remote/bodies.js';
import { faulty } from '../remote/faulty.js';
import { sha256Of } from '../remote/memory-parts.js';
import { openMemoryRemote } from '../remote/memory.js';

const KEY = 'exports/a/one';
const BLOCK = 1_000_000;

function factsOf(bytes: Buffer): BundleFacts {
  const sha256: string[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) sha256.push(sha256Of(bytes.subarray(at, at + BLOCK)));
  return {
    name: 'one',
    storedBytes: bytes.length,
    sha256: sha256Of(bytes),
    blocks: { size: BLOCK, sha256 },
    tarBytes: 0,
    frames: 0,
    seekTable: { offset: 0, bytes: 0 },
    payload: { files: 0, bytes: 0 },
  };
}

async function remoteWith(bytes: Buffer): Promise<ReturnType<typeof faulty>> {
  const remote = openMemoryRemote();
  await remote.put(KEY, bytes);
  return faulty(remote, []);
}

test('a small bundle is one request, however it is read', async () => {
  const { bytes, facts } = await build({ a: randomBytes(50_000), b: 'b' });
  const remote = await remoteWith(bytes);
  const source = bundleReader(new ReadOrder(remote, []), KEY, facts, {});
  expect(remote.calls).toEqual([]);
  expect((await readSeekTable(source, facts.seekTable)).frames).toHaveLength(facts.frames);
  expect(await source.read(10, 20)).toEqual(bytes.subarray(10, 30));
  expect(Buffer.concat(await collect(source.stream(0, source.bytes)))).toEqual(bytes);
  expect(remote.calls).toEqual([`readRange ${KEY}`]);
});

test('a read that failed is made again', async () => {
  const bytes = pattern(100);
  const remote = openMemoryRemote();
  await remote.put(KEY, bytes);
  const failing = faulty(remote, [{ kind: 'fail', on: 'readRange' }]);
  const source = bundleReader(new ReadOrder(failing, []), KEY, factsOf(bytes), {});
  await expectCode(source.read(0, 10), 'REMOTE_UNAVAILABLE');
  expect(await source.read(0, 10)).toEqual(bytes.subarray(0, 10));
});

test('of a large one without fallbacks just the range is read', async () => {
  const bytes = pattern(6 * BLOCK);
  const remote = await remoteWith(bytes);
  const source = bundleReader(new ReadOrder(remote, []), KEY, factsOf(bytes), {});
  expect((await source.read(2 * BLOCK - 5, 10)).equals(bytes.subarray(2 * BLOCK - 5, 2 * BLOCK + 5))).toBe(true);
  expect(Buffer.concat(await collect(source.stream(BLOCK, 3 * BLOCK))).equals(bytes.subarray(BLOCK, 4 * BLOCK))).toBe(
    true,
  );
  expect(remote.calls).toEqual([`readRange ${KEY}`, `stream ${KEY}`]);
});

test('what the manifest says is there, and is not, is a damaged bundle', async () => {
  for (const length of [6 * BLOCK, 1_000]) {
    const bytes = pattern(length);
    const remote = await remoteWith(bytes.subarray(0, length / 2));
    const source = bundleReader(new ReadOrder(remote, []), KEY, factsOf(bytes), {});
    await expectCode(source.read(length - 10, 10), 'BUNDLE_INVALID');
    await expectCode(collect(source.stream(length - 10, 10)), 'BUNDLE_INVALID');
    await remote.delete(KEY);
    await expectCode(source.read(0, 10), 'NOT_FOUND');
  }
});

describe('with fallbacks', () => {
  test('each block is read once by all who want it at the same time, and compared', async () => {
    const bytes = pattern(6 * BLOCK + 10);
    const [one, two] = [await remoteWith(bytes), await remoteWith(bytes)];
    const source = bundleReader(new ReadOrder(one, [two]), KEY, factsOf(bytes), {});
    const places = Array.from({ length: 60 }, (_, index) => index * 100_000 + 10);
    await Promise.all(
      places.map(async (at) =>
        expect((await source.read(at, 100_000)).equals(bytes.subarray(at, at + 100_000))).toBe(true),
      ),
    );
    expect(one.calls).toHaveLength(7);
    expect(two.calls).toEqual([]);
  });

  test('blocks are taken from whichever archive has them, each by itself', async () => {
    const bytes = pattern(5 * BLOCK);
    const [one, two, three] = [await remoteWith(bytes), await remoteWith(bytes), await remoteWith(bytes)];
    const damage = async (remote: typeof one, ...blocks: readonly number[]): Promise<void> => {
      const damaged = Buffer.from(bytes);
      for (const block of blocks) damaged[block * BLOCK + 7]! ^= 4;
      await remote.delete(KEY);
      await remote.put(KEY, damaged);
    };
    await damage(one, 0, 2);
    await damage(two, 2, 3);
    const order = new ReadOrder({ ...one, url: 'one:' }, [
      { ...two, url: 'two:' },
      { ...three, url: 'three:' },
    ]);
    const source = bundleReader(order, KEY, factsOf(bytes), {});
    expect(Buffer.concat(await collect(source.stream(0, bytes.length))).equals(bytes)).toBe(true);
    expect(order.takeHealed()).toMatchObject([
      { block: 0, from: 'one:', by: 'two:' },
      { block: 2, from: 'one:', by: 'three:' },
    ]);
  });

  test('blocks are let go: a long read holds few', async () => {
    const bytes = pattern(4 * BLOCK);
    const facts = { ...factsOf(bytes), blocks: { size: 40 * BLOCK, sha256: [sha256Of(bytes)] } };
    const remote = await remoteWith(bytes);
    const source = bundleReader(new ReadOrder(remote, [remote]), KEY, facts, {});
    await source.read(0, 1);
    await source.read(1, 1);
    expect(remote.calls).toHaveLength(1);
    const many = factsOf(pattern(70 * 1_000));
    const small = {
      ...many,
      blocks: {
        size: 1_000,
        sha256: Array.from({ length: 70 }, (_, n) => sha256Of(pattern(70_000).subarray(n * 1_000, (n + 1) * 1_000))),
      },
    };
    const other = await remoteWith(pattern(70_000));
    const again = bundleReader(new ReadOrder(other, [other]), KEY, small, {});
    expect((await again.read(0, 70_000)).equals(pattern(70_000))).toBe(true);
    expect(other.calls).toHaveLength(70);
  });

  test('a range outside of the bundle is refused', async () => {
    const bytes = pattern(100);
    const remote = await remoteWith(bytes);
    const source = bundleReader(new ReadOrder(remote, [remote]), KEY, factsOf(bytes), {});
    await expectCode(source.read(90, 11), 'BUNDLE_INVALID');
    await expectCode(source.read(-1, 1), 'BUNDLE_INVALID');
  });
});
