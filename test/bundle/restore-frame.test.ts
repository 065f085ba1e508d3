/** The jobs of a restore: what is right is written, what is not leaves no file, and what was left is not believed. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { FRAME_MAX_TAR_BYTES, MIB } from '../../src/base/limits.js';
import { FrameIndex } from '../../src/bundle/frame-index.js';
import type { FileRow } from '../../src/bundle/restore-frame-file.js';
import { syncFolders } from '../../src/bundle/restore-frame-folders.js';
import { keepFiles } from '../../src/bundle/restore-frame-keep.js';
import { abandonFile, restorePiece, type FilePiece } from '../../src/bundle/restore-frame-piece.js';
import { restoreFrame, type StoredFrame } from '../../src/bundle/restore-frame.js';
import { compressFrame } from '../../src/codec/zstd.js';
import { rawFrame } from '../../src/codec/zstd-frame.js';
import { makeFolder } from '../lake/tree.js';
import { randomBytes, sha256Of } from './kit.js';

const MTIME = 1_760_000_000;
let root: string;
beforeEach(() => (root = makeFolder()));

/** Stored frames of these contents, one behind the other in a tar. */
async function framesOf(...contents: readonly Buffer[]): Promise<StoredFrame[]> {
  const index = new FrameIndex();
  const frames: StoredFrame[] = [];
  for (const content of contents) {
    const bytes = content.length > MIB ? rawFrame(content) : await compressFrame(content, 3);
    const memory = new SharedArrayBuffer(bytes.length);
    bytes.copy(Buffer.from(memory));
    const stored = { memory, offset: 0, length: bytes.length };
    frames.push({ stored, place: index.add(content.length, bytes.length), bundle: 'b.tar.zst' });
  }
  return frames;
}

function row(lakePath: string, offset: number, content: Buffer, more: { executable?: boolean } = {}): FileRow {
  return [lakePath, offset, content.length, sha256Of(content), MTIME, more.executable === true ? 1 : 0];
}

function read(lakePath: string): string {
  return fs.readFileSync(path.join(root, lakePath), 'utf8');
}

function damage({ stored }: StoredFrame): void {
  const bytes = Buffer.from(stored.memory);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 7) ^ 1, bytes.length - 7);
}

describe('small files of a frame', () => {
  const A = Buffer.from('content of a');
  const B = Buffer.from('content of b');
  const EMPTY = Buffer.alloc(0);

  test('are written with time and mode, and their folders are told', async () => {
    const [first, frame] = await framesOf(Buffer.alloc(512, 'x'), Buffer.concat([A, B]));
    expect(first?.place.tarOffset).toBe(0);
    const rows = [row('x/a.txt', 512, A), row('x/b.sh', 512 + A.length, B, { executable: true }), row('y/z', 0, EMPTY)];
    const done = await restoreFrame({ root, isResumed: false, frame, rows: JSON.stringify(rows) });
    expect(done.folders).toEqual(['x', 'y']);
    expect([read('x/a.txt'), read('x/b.sh'), read('y/z')]).toEqual(['content of a', 'content of b', '']);
    const [a, b] = [fs.statSync(path.join(root, 'x/a.txt')), fs.statSync(path.join(root, 'x/b.sh'))];
    expect([a.mtimeMs / 1000, a.mode & 0o111, b.mode & 0o100]).toEqual([MTIME, 0, 0o100]);
  });

  test('empty ones need no frame', async () => {
    const rows = JSON.stringify([row('x', 4_096, EMPTY)]);
    expect(await restoreFrame({ root, isResumed: false, frame: undefined, rows })).toEqual({ folders: ['.'] });
    expect(read('x')).toBe('');
  });

  test('that are wrong are not written, nor what comes behind them', async () => {
    const [frame] = await framesOf(Buffer.concat([A, B]));
    const wrong: FileRow = ['b', A.length, B.length, sha256Of(A), MTIME, 0];
    const rows = JSON.stringify([row('a', 0, A), wrong, row('c', 0, A)]);
    await expect(restoreFrame({ root, isResumed: false, frame, rows })).rejects.toMatchObject({
      code: 'HASH_MISMATCH',
      message: `b.tar.zst: b: expected SHA-256 ${sha256Of(A)}, got ${sha256Of(B)}`,
    });
    expect(fs.readdirSync(root)).toEqual(['a']);
  });

  test('of a frame of another size are not written', async () => {
    const [frame] = await framesOf(A);
    const place = { ...frame!.place, tarBytes: A.length + 1 };
    const rows = JSON.stringify([row('a', 0, A)]);
    const work = restoreFrame({ root, isResumed: false, frame: { ...frame!, place }, rows });
    await expect(work).rejects.toMatchObject({ code: 'ZSTD_INVALID' });
    expect(fs.readdirSync(root)).toEqual([]);
  });

  test('never leave the folder', async () => {
    const [frame] = await framesOf(A);
    const rows = JSON.stringify([row('../a', 0, A)]);
    await expect(restoreFrame({ root, isResumed: false, frame, rows })).rejects.toMatchObject({ code: 'PATH_UNSAFE' });
    expect(fs.existsSync(path.join(root, '../a'))).toBe(false);
  });

  test('take the place of what an interrupted run left, and do not write into a second name of it', async () => {
    const [frame] = await framesOf(A);
    const published = path.join(root, 'published');
    fs.writeFileSync(published, 'of the target by now');
    fs.linkSync(published, path.join(root, 'a'));
    await restoreFrame({ root, isResumed: true, frame, rows: JSON.stringify([row('a', 0, A)]) });
    expect([read('a'), read('published')]).toEqual(['content of a', 'of the target by now']);
  });

  test('where a folder stands are an error of the system', async () => {
    const [frame] = await framesOf(A);
    fs.mkdirSync(path.join(root, 'a/below'), { recursive: true });
    const rows = JSON.stringify([row('a', 0, A)]);
    const work = restoreFrame({ root, isResumed: false, frame, rows });
    await expect(work).rejects.toMatchObject({ code: 'TARGET_CONFLICT' });
    expect(fs.existsSync(path.join(root, 'a/below'))).toBe(true);
  });
});

describe('a file in several frames', () => {
  const CONTENT = randomBytes(2 * FRAME_MAX_TAR_BYTES + 1_000, 7);
  const HEAD = Buffer.alloc(512, 'h');
  let lastId = 1_000_000;

  /** The pieces of the file, behind a head in its first frame and before other bytes in its last. */
  async function pieces(sha256 = sha256Of(CONTENT)): Promise<FilePiece[]> {
    const cuts = [FRAME_MAX_TAR_BYTES - HEAD.length, 2 * FRAME_MAX_TAR_BYTES - HEAD.length];
    const frames = await framesOf(
      Buffer.concat([HEAD, CONTENT.subarray(0, cuts[0])]),
      CONTENT.subarray(cuts[0], cuts[1]),
      Buffer.concat([CONTENT.subarray(cuts[1]), HEAD]),
    );
    const id = (lastId += 1);
    const file: FileRow = ['x/large.bin', HEAD.length, CONTENT.length, sha256, MTIME, 0];
    const parts = [
      { from: HEAD.length, to: FRAME_MAX_TAR_BYTES },
      { from: 0, to: FRAME_MAX_TAR_BYTES },
      { from: 0, to: CONTENT.length - cuts[1]! },
    ];
    return frames.map((frame, at) => ({ root, isResumed: false, id, row: file, frame, ...parts[at]! }));
  }

  test('is written in order, whichever frame is decoded first', async () => {
    const done = await Promise.all((await pieces()).map((piece) => restorePiece(piece)));
    expect(done).toEqual([{ folders: [] }, { folders: [] }, { folders: ['x'] }]);
    expect(fs.readFileSync(path.join(root, 'x/large.bin')).equals(CONTENT)).toBe(true);
    expect(fs.statSync(path.join(root, 'x/large.bin')).mtimeMs / 1000).toBe(MTIME);
  });

  test('that is wrong is removed', async () => {
    const [first, second, last] = await pieces(sha256Of('else'));
    await restorePiece(first!);
    await restorePiece(second!);
    await expect(restorePiece(last!)).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect(fs.readdirSync(path.join(root, 'x'))).toEqual([]);
  });

  test('with a frame that cannot be read fails from there on, and is removed when it is given up', async () => {
    const all = await pieces();
    const { place } = all[1]!.frame;
    const short = { ...all[1]!.frame, place: { ...place, tarBytes: place.tarBytes - 1 } };
    const work = [restorePiece(all[0]!), restorePiece({ ...all[1]!, frame: short }), restorePiece(all[2]!)];
    const ends = await Promise.allSettled(work);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(ends[2]).toMatchObject({ reason: { code: 'ZSTD_INVALID' } });
    await abandonFile({ id: all[0]!.id });
    expect(fs.readdirSync(path.join(root, 'x'))).toEqual([]);
  });

  test('that gets no more pieces is removed, once its last one is written', async () => {
    const [first] = await pieces();
    const work = restorePiece(first!);
    await abandonFile({ id: first!.id });
    await work;
    expect(fs.readdirSync(path.join(root, 'x'))).toEqual([]);
    await abandonFile({ id: first!.id });
  });

  test('whose raw frame has a flipped bit is found by its SHA-256', async () => {
    const all = await pieces();
    damage(all[1]!.frame);
    const ends = await Promise.allSettled(all.map((piece) => restorePiece(piece)));
    expect(ends[2]).toMatchObject({ status: 'rejected', reason: { code: 'HASH_MISMATCH' } });
    expect(fs.readdirSync(path.join(root, 'x'))).toEqual([]);
  });
});

describe('what an interrupted run left', () => {
  test('is kept where the bytes are right, with its time', async () => {
    const right = Buffer.from('right');
    for (const name of ['a', 'b', 'd']) fs.writeFileSync(path.join(root, name), 'right');
    fs.writeFileSync(path.join(root, 'c'), 'wrong');
    fs.writeFileSync(path.join(root, 'long'), 'right and more');
    fs.symlinkSync(path.join(root, 'a'), path.join(root, 'link'));
    fs.mkdirSync(path.join(root, 'folder'));
    const names = ['a', 'c', 'folder', 'link', 'long', 'missing', 'missing/below', 'b/below', 'd'];
    const rows = JSON.stringify(names.map((name) => row(name, 0, right)));
    expect(await keepFiles({ root, rows })).toEqual([0, 8]);
    expect(fs.statSync(path.join(root, 'a')).mtimeMs / 1000).toBe(MTIME);
    expect(fs.statSync(path.join(root, 'b')).mtimeMs / 1000).not.toBe(MTIME);
  });

  test('a file larger than what is read at once is hashed whole', async () => {
    const content = randomBytes(5 * MIB + 3, 9);
    fs.writeFileSync(path.join(root, 'x'), content);
    expect(await keepFiles({ root, rows: JSON.stringify([row('x', 0, content)]) })).toEqual([0]);
    fs.writeFileSync(
      path.join(root, 'x'),
      Buffer.concat([content.subarray(0, -1), Buffer.from([content.at(-1)! ^ 1])]),
    );
    expect(await keepFiles({ root, rows: JSON.stringify([row('x', 0, content)]) })).toEqual([]);
  });
});

test('a folder that cannot be synced is an error', () => {
  syncFolders({ folders: [root] });
  expect(() => syncFolders({ folders: [root, path.join(root, 'gone')] })).toThrow(/gone: .*ENOENT/);
});
