/** Manifests: after their objects are durable, many to a flush, create-only, read back. */
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../../src/base/errors.js';
import { CommitQueue } from '../../../src/operations/transferring/commit-queue.js';
import { faulty, type Fault } from '../../remote/faulty.js';
import { openMemoryRemote } from '../../remote/memory.js';

function queueOver(faults: readonly Fault[] = [], distant = true) {
  const memory = openMemoryRemote({ distant });
  const remote = faulty(memory, faults);
  const controller = new AbortController();
  const queue = new CommitQueue(remote, 4, controller.signal);
  const add = async (key: string, text = key): Promise<string> => {
    const bytes = Buffer.from(text);
    const { committed } = await queue.add({ key, bytes });
    return await committed.then(
      () => 'committed',
      (error: unknown) => (isLakepackError(error) ? error.code : String(error)),
    );
  };
  return { memory, remote, queue, add, controller };
}

describe('the queue of manifests', () => {
  test('those that are ready together share their flushes, before and after', async () => {
    const { remote, add } = queueOver();
    expect(await Promise.all([add('a'), add('b'), add('c')])).toEqual(['committed', 'committed', 'committed']);
    expect(remote.calls.filter((call) => call.startsWith('flush'))).toHaveLength(2);
    expect(remote.calls[0]).toMatch(/^flush/);
    expect(remote.calls.at(-1)).toMatch(/^flush/);
  });

  test('one that is there already with the same bytes is as good, with others it is refused and stays', async () => {
    const { memory, add } = queueOver();
    memory.objects.set('same', Buffer.from('same'));
    memory.objects.set('other', Buffer.from('somebody else was here'));
    expect(await Promise.all([add('same'), add('other'), add('new')])).toEqual([
      'committed',
      'OBJECT_EXISTS',
      'committed',
    ]);
    expect(memory.objects.get('other')?.toString()).toBe('somebody else was here');
  });

  test('one that was damaged on its way is taken away and sent once more', async () => {
    const { memory, add } = queueOver([{ kind: 'flip-sent', on: 'put' }]);
    expect(await add('a', 'the manifest')).toBe('committed');
    expect(memory.objects.get('a')?.toString()).toBe('the manifest');
  });

  test('one that is damaged each time is not left behind', async () => {
    const { memory, add } = queueOver([{ kind: 'flip-sent', on: 'put', times: 9 }]);
    expect(await add('a', 'the manifest')).toBe('HASH_MISMATCH');
    expect(memory.objects.size).toBe(0);
  });

  test('a flush that fails commits nothing, and says so to all of the group', async () => {
    const { memory, add } = queueOver([{ kind: 'fail', on: 'flush' }]);
    expect(await Promise.all([add('a'), add('b')])).toEqual(['REMOTE_UNAVAILABLE', 'REMOTE_UNAVAILABLE']);
    expect(memory.objects.size).toBe(0);
  });

  test('nothing is begun after an abort, and nothing runs on after it settled', async () => {
    const { memory, add, queue, controller } = queueOver();
    const waiting = add('a');
    controller.abort();
    expect(await waiting).toBe('INTERRUPTED');
    await queue.settle();
    expect(memory.objects.size).toBe(0);
  });
});
