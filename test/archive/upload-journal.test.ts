/** What an upload's journal remembers over a crash, and who may go on with an upload. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { UploadJournal } from '../../src/archive/upload-journal.js';
import type { Upload } from '../../src/remote/remote.js';
import { makeFolder } from '../lake/tree.js';

const UPLOAD: Upload = { key: 'exports/a/b', id: 'upload-1' };
const SHA = 'a'.repeat(64);

function filesOf(stateDir: string): string[] {
  return fs
    .readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isFile() ? [path.join(entry.parentPath, entry.name)] : []));
}

describe('an upload that was left', () => {
  test('is found by its key, with what was sent and what was under way', async () => {
    const stateDir = makeFolder();
    const before = await UploadJournal.open(stateDir, 'store');
    const record = await before.begun(UPLOAD, 100);
    for (const number of [1, 2, 3]) await record.sendingPart(number);
    await record.sentPart({ number: 2, bytes: 100, tag: 'two' }, SHA);
    await record.sentPart({ number: 1, bytes: 100, tag: 'one' }, SHA);
    await before.close();
    const after = await UploadJournal.open(stateDir, 'store');
    expect(await after.claim('exports/a/other')).toBeUndefined();
    const found = await after.claim(UPLOAD.key);
    expect(found).toMatchObject({ ...UPLOAD, partBytes: 100, sending: new Set([3]) });
    expect([...found!.sent.values()].map(({ number, tag, sha256 }) => [number, tag, sha256])).toEqual([
      [2, 'two', SHA],
      [1, 'one', SHA],
    ]);
    expect(await after.all()).toHaveLength(1);
    await after.close();
  });

  test('is another store’s business when the identity is another', async () => {
    const stateDir = makeFolder();
    const journal = await UploadJournal.open(stateDir, 'store');
    await (await journal.begun(UPLOAD, 100)).leave();
    const other = await UploadJournal.open(stateDir, 'store 2');
    expect(await other.all()).toEqual([]);
    expect(await other.claim(UPLOAD.key)).toBeUndefined();
  });

  test('and ended is forgotten, on disk too', async () => {
    const stateDir = makeFolder();
    const journal = await UploadJournal.open(stateDir, 'store');
    const record = await journal.begun(UPLOAD, 100);
    await record.end();
    await (await journal.begun({ ...UPLOAD, id: 'upload-2' }, 100)).leave();
    await journal.forget({ ...UPLOAD, id: 'upload-2' });
    expect(await journal.all()).toEqual([]);
    expect(filesOf(stateDir)).toEqual([]);
  });

  test('a part that is sent anew does not count as the one before', async () => {
    const stateDir = makeFolder();
    const journal = await UploadJournal.open(stateDir, 'store');
    const record = await journal.begun(UPLOAD, 100);
    await record.sentPart({ number: 1, bytes: 100, tag: 'one' }, SHA);
    await record.sendingPart(1);
    await record.leave();
    expect((await journal.claim(UPLOAD.key))!.sent.size).toBe(0);
    await journal.close();
  });
});

describe('an upload that somebody works on', () => {
  test('is not taken over, and is told to be live, until it is let go', async () => {
    const stateDir = makeFolder();
    const [mine, theirs] = [await UploadJournal.open(stateDir, 'store'), await UploadJournal.open(stateDir, 'store')];
    const record = await mine.begun(UPLOAD, 100);
    expect(await theirs.claim(UPLOAD.key)).toBeUndefined();
    expect(await theirs.isLive(UPLOAD)).toBe(true);
    // The other begins one of its own at the same key: each has its file.
    const own = await theirs.begun({ ...UPLOAD, id: 'upload-2' }, 100);
    expect(await mine.all()).toHaveLength(2);
    await record.leave();
    expect(await theirs.isLive(UPLOAD)).toBe(false);
    expect(await theirs.claim(UPLOAD.key)).toMatchObject({ id: 'upload-1' });
    await own.end();
    await Promise.all([mine.close(), theirs.close()]);
  });
});

describe('a damaged journal', () => {
  async function left(): Promise<{ stateDir: string; file: string }> {
    const stateDir = makeFolder();
    const journal = await UploadJournal.open(stateDir, 'store');
    const record = await journal.begun(UPLOAD, 100);
    await record.sentPart({ number: 1, bytes: 100, tag: 'one' }, SHA);
    await record.sentPart({ number: 2, bytes: 100, tag: 'two' }, SHA);
    await record.leave();
    return { stateDir, file: filesOf(stateDir)[0]! };
  }

  test('cut at any byte says what whole lines say, or nothing; and goes on after it', async () => {
    const { stateDir, file } = await left();
    const whole = fs.readFileSync(file);
    for (let length = 0; length <= whole.length; length += 1) {
      fs.writeFileSync(file, whole.subarray(0, length));
      const journal = await UploadJournal.open(stateDir, 'store');
      const record = await journal.claim(UPLOAD.key);
      if (record !== undefined) {
        const before = record.sent.size;
        expect(before).toBeLessThanOrEqual(2);
        await record.sentPart({ number: 3, bytes: 7, tag: 'three' }, SHA);
        await record.leave();
        expect((await journal.claim(UPLOAD.key))!.sent.size).toBe(before + 1);
      }
      await journal.close();
    }
  });

  test('of other lines is the same as none', async () => {
    const { stateDir, file } = await left();
    for (const text of ['', 'null', '[]', '{"begun":{"key":1}}', '{"begun":null}', '{"sent":{}}', '\0\0\0']) {
      fs.writeFileSync(file, text);
      const journal = await UploadJournal.open(stateDir, 'store');
      expect(await journal.all()).toEqual([]);
    }
  });
});
