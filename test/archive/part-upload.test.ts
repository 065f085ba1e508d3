/** An upload in parts goes on where the journal and the store agree, and nowhere else. */
import { describe, expect, test } from 'vitest';
import { openPartUpload, type PartUpload } from '../../src/archive/part-upload.js';
import { UploadJournal } from '../../src/archive/upload-journal.js';
import type { Remote } from '../../src/remote/remote.js';
import { makeFolder } from '../lake/tree.js';
import { expectCode, pattern } from '../remote/bodies.js';
import { faulty } from '../remote/faulty.js';
import { sha256Of } from '../remote/memory-parts.js';
import { openMemoryRemote } from '../remote/memory.js';

const KEY = 'exports/a/one';
const PART = 1_000;

async function journalIn(stateDir = makeFolder()): Promise<UploadJournal> {
  return await UploadJournal.open(stateDir, 'memory');
}

async function open(remote: Remote, journal: UploadJournal, partBytes = PART): Promise<PartUpload> {
  return await openPartUpload({ remote, key: KEY, journal, partBytes, signal: undefined });
}

async function send(upload: PartUpload, number: number): Promise<void> {
  const bytes = pattern(PART, number);
  await upload.send(number, (number - 1) * PART, bytes, sha256Of(bytes));
}

function has(upload: PartUpload, number: number): boolean {
  return upload.has(number, sha256Of(pattern(PART, number)), PART);
}

test('parts in any order make one object, and nothing is left of the upload', async () => {
  const [remote, journal] = [openMemoryRemote(), await journalIn()];
  const upload = await open(remote, journal);
  for (const number of [2, 1, 3]) await send(upload, number);
  await upload.complete();
  expect(remote.objects.get(KEY)).toEqual(Buffer.concat([1, 2, 3].map((number) => pattern(PART, number))));
  expect(await journal.all()).toEqual([]);
  expect(remote.store.uploads.size).toBe(0);
});

describe('the next run', () => {
  test('has the parts that were sent, of the same content and size', async () => {
    const [remote, journal] = [openMemoryRemote(), await journalIn()];
    const before = await open(remote, journal);
    for (const number of [1, 2]) await send(before, number);
    await before.leave();
    const after = await open(remote, journal);
    expect([1, 2, 3].map((number) => has(after, number))).toEqual([true, true, false]);
    expect(after.has(1, sha256Of(pattern(PART, 9)), PART)).toBe(false);
    expect(after.has(1, sha256Of(pattern(PART, 1)), PART - 1)).toBe(false);
    await send(after, 3);
    await after.complete();
    expect(remote.objects.get(KEY)).toHaveLength(3 * PART);
  });

  test('does not believe a part that the store has otherwise, or not at all', async () => {
    const [remote, journal] = [openMemoryRemote(), await journalIn()];
    const before = await open(remote, journal);
    for (const number of [1, 2]) await send(before, number);
    await before.leave();
    const [upload] = [...remote.store.uploads.values()];
    upload!.parts.delete(1);
    const other = pattern(PART, 7);
    await remote.parts!.send(upload!, { number: 2, offset: PART, bytes: other, sha256: sha256Of(other) });
    const after = await open(remote, journal);
    expect([1, 2].map((number) => has(after, number))).toEqual([false, false]);
  });

  test('a part whose answer was lost is sent again', async () => {
    const [remote, journal] = [openMemoryRemote(), await journalIn()];
    const before = await open(faulty(remote, [{ kind: 'fail-late', on: 'send', nth: 2 }]), journal);
    await send(before, 1);
    await expectCode(send(before, 2), 'REMOTE_UNAVAILABLE');
    await before.leave();
    const after = await open(remote, journal);
    expect([1, 2].map((number) => has(after, number))).toEqual([true, false]);
  });

  test('begins anew when the store has forgotten the upload, or parts had another size', async () => {
    const [remote, journal] = [openMemoryRemote(), await journalIn()];
    const first = await open(remote, journal);
    await send(first, 1);
    await first.leave();
    const second = await open(remote, journal, 2 * PART);
    expect(has(second, 1)).toBe(false);
    expect(remote.store.uploads.size).toBe(1);
    await second.leave();
    remote.store.uploads.clear();
    const third = await open(remote, journal, 2 * PART);
    expect(remote.store.uploads.size).toBe(1);
    await third.abort();
    expect(await journal.all()).toEqual([]);
  });

  test('keeps the journal when the store cannot be asked', async () => {
    const [remote, journal] = [openMemoryRemote(), await journalIn()];
    const first = await open(remote, journal);
    await send(first, 1);
    await first.leave();
    await expectCode(open(faulty(remote, [{ kind: 'fail', on: 'listParts' }]), journal), 'REMOTE_UNAVAILABLE');
    expect(has(await open(remote, journal), 1)).toBe(true);
  });
});

test('two at once at one key have an upload each; the second to complete is told that the object is there', async () => {
  const [remote, journal] = [openMemoryRemote(), await journalIn()];
  const [one, two] = [await open(remote, journal), await open(remote, journal)];
  expect(remote.store.uploads.size).toBe(2);
  await send(one, 1);
  await send(two, 1);
  await one.complete();
  await expectCode(two.complete(), 'OBJECT_EXISTS');
  expect(remote.store.uploads.size).toBe(0);
  expect(await journal.all()).toEqual([]);
});

test('an upload that vanishes under a sender is said, and may be tried again', async () => {
  const [remote, journal] = [openMemoryRemote(), await journalIn()];
  const upload = await open(remote, journal);
  remote.store.uploads.clear();
  await expect(send(upload, 1)).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
});

test('an abort that fails leaves it to the next run', async () => {
  const [remote, journal] = [openMemoryRemote(), await journalIn()];
  const upload = await open(faulty(remote, [{ kind: 'fail', on: 'abort' }]), journal);
  await upload.abort();
  expect(await journal.all()).toHaveLength(1);
  expect(await journal.isLive((await journal.all())[0]!)).toBe(false);
});

test('a store that only reads takes no parts', async () => {
  const remote = { ...openMemoryRemote(), parts: undefined };
  await expectCode(open(remote, await journalIn()), 'ARCHIVE_UNSUPPORTED');
});
