/** Large objects go in parts that are their blocks, several at once and within a bound, and go on where a run was cut off. */
import { describe, expect, test } from 'vitest';
import { storeBlocks, storeStream, type BlockObject, type StreamedObject } from '../../src/archive/store-object.js';
import { UploadJournal } from '../../src/archive/upload-journal.js';
import { ByteBudget } from '../../src/base/byte-budget.js';
import { LakepackError } from '../../src/base/errors.js';
import { BlockHasher } from '../../src/bundle/block-hasher.js';
import type { Remote } from '../../src/remote/remote.js';
import { makeFolder } from '../lake/tree.js';
import { expectCode, pattern } from '../remote/bodies.js';
import { faulty } from '../remote/faulty.js';
import { sha256Of } from '../remote/memory-parts.js';
import { openMemoryRemote } from '../remote/memory.js';

const KEY = 'exports/a/one';
const BLOCK = 1_000;
const BYTES = pattern(10_500);

interface Watched extends BlockObject {
  readonly reads: number[];
}

function blocksOf(bytes: Buffer, blockBytes = BLOCK): Watched {
  const slices = Array.from({ length: Math.ceil(bytes.length / blockBytes) }, (_, index) =>
    bytes.subarray(index * blockBytes, (index + 1) * blockBytes),
  );
  const reads: number[] = [];
  return {
    bytes: bytes.length,
    blocks: { size: blockBytes, sha256: slices.map(sha256Of) },
    reads,
    read: async (block) => {
      reads.push(block);
      return Buffer.from(slices[block]!);
    },
  };
}

/** As a bundle is made: hashed just before it is given out, in chunks of any size. */
function streamOf(bytes: Buffer, chunkBytes: number, more: Partial<StreamedObject> = {}): StreamedObject {
  const hasher = new BlockHasher(BLOCK);
  return {
    blockBytes: BLOCK,
    get finishedBlocks() {
      return hasher.blocks;
    },
    stored: async function* () {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
        hasher.update(chunk);
        yield chunk;
        // What was given out is the reader's; a writer may use the memory for something else.
        chunk.fill(0);
      }
      hasher.finish();
    },
    ...more,
  };
}

async function journal(stateDir = makeFolder()): Promise<UploadJournal> {
  return await UploadJournal.open(stateDir, 'memory');
}

interface Course {
  readonly name: string;
  store(remote: Remote, uploads: UploadJournal, bytes: Buffer, signal?: AbortSignal): ReturnType<typeof storeBlocks>;
}

const COURSES: readonly Course[] = [
  {
    name: 'blocks',
    store: (remote, uploads, bytes, signal) => storeBlocks({ remote, journal: uploads, signal }, KEY, blocksOf(bytes)),
  },
  ...[1, 333, 1_000, 4_096].map((chunkBytes) => ({
    name: `a stream in chunks of ${chunkBytes}`,
    store: (remote: Remote, uploads: UploadJournal, bytes: Buffer, signal?: AbortSignal) =>
      storeStream({ remote, journal: uploads, signal }, KEY, streamOf(bytes, chunkBytes)),
  })),
];

describe.each(COURSES)('$name', ({ store }) => {
  test.each([0, 1, 999, 1_000, 1_001, 2_000, 10_500])('of %i bytes is stored whole', async (length) => {
    const remote = openMemoryRemote();
    const counted = faulty(remote, []);
    const bytes = pattern(length);
    expect(await store(counted, await journal(), bytes)).toEqual({ sentBytes: length, resumedBytes: 0 });
    expect(remote.objects.get(KEY)?.equals(bytes)).toBe(true);
    const sent = counted.calls.map((call) => call.split(' ')[0]);
    const parts = Math.ceil(length / BLOCK);
    expect(sent).toEqual(parts <= 1 ? ['put'] : ['begin', ...Array<string>(parts).fill('send'), 'complete']);
  });

  test('that is cut off at any part goes on with what is there', async () => {
    for (const kind of ['fail', 'fail-late'] as const) {
      for (let nth = 1; nth <= 11; nth += 1) {
        const remote = openMemoryRemote();
        const uploads = await journal();
        const fault = { kind, on: 'send', nth } as const;
        await expectCode(store(faulty(remote, [fault]), uploads, BYTES), 'REMOTE_UNAVAILABLE');
        expect(remote.objects.size).toBe(0);
        const { sentBytes, resumedBytes } = await store(remote, uploads, BYTES);
        expect(sentBytes + resumedBytes).toBe(BYTES.length);
        expect(resumedBytes).toBeGreaterThanOrEqual((nth - 1) * BLOCK - 4 * BLOCK);
        expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
        expect(remote.store.uploads.size).toBe(0);
        expect(await uploads.all()).toEqual([]);
      }
    }
  });

  test('that is interrupted leaves its parts to the next run', async () => {
    const remote = openMemoryRemote();
    const uploads = await journal();
    const stop = new AbortController();
    const hanging = faulty(remote, [{ kind: 'hang', on: 'send', nth: 6 }]);
    const run = store(hanging, uploads, BYTES, stop.signal);
    await expect.poll(() => hanging.hits.length).toBe(1);
    stop.abort();
    await expectCode(run, 'INTERRUPTED');
    expect(remote.objects.size).toBe(0);
    expect((await store(remote, uploads, BYTES)).resumedBytes).toBeGreaterThanOrEqual(2 * BLOCK);
    expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
  });

  test('to a key that is taken is OBJECT_EXISTS, and leaves no upload', async () => {
    for (const bytes of [BYTES, pattern(10)]) {
      const remote = openMemoryRemote();
      await remote.put(KEY, Buffer.from('theirs'));
      await expectCode(store(remote, await journal(), bytes), 'OBJECT_EXISTS');
      expect(remote.store.uploads.size).toBe(0);
      expect(remote.objects.get(KEY)?.toString()).toBe('theirs');
    }
  });

  test('to a store without parts is one put', async () => {
    const remote = openMemoryRemote();
    await store({ ...remote, parts: undefined }, await journal(), BYTES);
    expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
  });

  test('to a store with larger parts has several blocks in each', async () => {
    const remote = openMemoryRemote({ minPartBytes: 2_500 });
    const counted = faulty(remote, [{ kind: 'fail', on: 'send', nth: 3 }]);
    const uploads = await journal();
    await expectCode(store(counted, uploads, BYTES), 'REMOTE_UNAVAILABLE');
    const { sentBytes, resumedBytes } = await store(remote, uploads, BYTES);
    expect(sentBytes + resumedBytes).toBe(BYTES.length);
    expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
  });
});

describe('blocks', () => {
  test('that are there are not read again', async () => {
    const remote = openMemoryRemote();
    const uploads = await journal();
    const failing = faulty(remote, [{ kind: 'fail', on: 'send', nth: 9 }]);
    await expectCode(
      storeBlocks({ remote: failing, journal: uploads, signal: undefined }, KEY, blocksOf(BYTES)),
      'REMOTE_UNAVAILABLE',
    );
    const again = blocksOf(BYTES);
    const { resumedBytes } = await storeBlocks({ remote, journal: uploads, signal: undefined }, KEY, again);
    expect(again.reads).toHaveLength(11 - resumedBytes / BLOCK);
  });

  test('that are read wrongly are not sent, and nothing is left', async () => {
    for (const bad of [0, 5, 10]) {
      const remote = openMemoryRemote();
      const uploads = await journal();
      const object = blocksOf(BYTES);
      const damaged: BlockObject = {
        ...object,
        read: async (block) => (block === bad ? pattern(BLOCK, 99) : object.read(block, AbortSignal.abort())),
      };
      await expectCode(storeBlocks({ remote, journal: uploads, signal: undefined }, KEY, damaged), 'HASH_MISMATCH');
      expect([remote.objects.size, remote.store.uploads.size]).toEqual([0, 0]);
      expect(await uploads.all()).toEqual([]);
    }
  });

  test('held at once stay within the memory that is lent', async () => {
    const memory = new ByteBudget(2_500);
    const object = blocksOf(BYTES);
    let most = 0;
    const watched: BlockObject = {
      ...object,
      read: async (block, signal) => {
        most = Math.max(most, memory.used);
        return await object.read(block, signal);
      },
    };
    const remote = openMemoryRemote();
    await Promise.all(
      ['one', 'two', 'three'].map(async (key) => {
        await storeBlocks({ remote, journal: await journal(), signal: undefined, memory }, key, watched);
      }),
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2_500);
    expect(memory.used).toBe(0);
  });
});

describe('a stream', () => {
  test('runs no further ahead than the parts in flight and one more', async () => {
    const remote = openMemoryRemote();
    const memory = new ByteBudget(1_000_000);
    let made = 0;
    let sent = 0;
    let most = 0;
    const object = streamOf(BYTES, 100);
    const watched: StreamedObject = {
      blockBytes: BLOCK,
      get finishedBlocks() {
        return object.finishedBlocks;
      },
      stored: async function* () {
        for await (const chunk of object.stored()) {
          made += chunk.length;
          most = Math.max(most, made - sent);
          yield chunk;
        }
      },
    };
    const slow: Remote = {
      ...remote,
      parts: {
        ...remote.parts!,
        send: async (upload, part) => {
          await new Promise((resolve) => void setImmediate(resolve));
          sent += part.bytes.length;
          return await remote.parts!.send(upload, part);
        },
      },
    };
    await storeStream({ remote: slow, journal: await journal(), signal: undefined, memory }, KEY, watched);
    expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
    expect(most).toBeLessThanOrEqual(6 * BLOCK);
    expect(memory.used).toBe(0);
  });

  test('that fails is closed, and its upload aborted: the same bytes will not come again', async () => {
    const remote = openMemoryRemote();
    const uploads = await journal();
    const object = streamOf(BYTES, 300);
    const failing = streamOf(BYTES, 300, {
      stored: async function* () {
        let at = 0;
        for await (const chunk of object.stored()) {
          yield chunk;
          at += chunk.length;
          if (at > 6_000) throw new LakepackError('SOURCE_CHANGED', 'a file changed');
        }
      },
    });
    await expectCode(
      storeStream(
        { remote, journal: uploads, signal: undefined },
        KEY,
        // The hashes are those of the stream that runs.
        {
          blockBytes: BLOCK,
          stored: () => failing.stored(),
          get finishedBlocks() {
            return object.finishedBlocks;
          },
        },
      ),
      'SOURCE_CHANGED',
    );
    expect([remote.objects.size, remote.store.uploads.size]).toEqual([0, 0]);
    expect(await uploads.all()).toEqual([]);
  });

  test('that is larger than was promised is stored all the same', async () => {
    for (const maxBytes of [1, 500, 1_500]) {
      const remote = openMemoryRemote();
      await storeStream(
        { remote, journal: await journal(), signal: undefined },
        KEY,
        streamOf(BYTES, 700, { maxBytes }),
      );
      expect(remote.objects.get(KEY)?.equals(BYTES)).toBe(true);
    }
  });

  test('with other bytes than before replaces the parts that differ', async () => {
    const remote = openMemoryRemote();
    const uploads = await journal();
    const failing = faulty(remote, [{ kind: 'fail', on: 'send', nth: 8 }]);
    await expectCode(
      storeStream({ remote: failing, journal: uploads, signal: undefined }, KEY, streamOf(BYTES, 500)),
      'REMOTE_UNAVAILABLE',
    );
    const changed = Buffer.from(BYTES);
    changed[1_500]! ^= 1;
    await storeStream({ remote, journal: uploads, signal: undefined }, KEY, streamOf(changed, 500));
    expect(remote.objects.get(KEY)?.equals(changed)).toBe(true);
  });
});
