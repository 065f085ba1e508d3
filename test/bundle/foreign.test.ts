/** Archives made elsewhere: which names one may hold, and when it is refused as a bomb or as two archives in one. */
import { describe, expect, test } from 'vitest';
import { readForeign, type ForeignEntry } from '../../src/bundle/foreign.js';
import { encodeTarBlock, type TarBlockFields } from '../../src/codec/tar-block.js';
import { END_OF_ARCHIVE, encodeEntryHeader, paddingBytes } from '../../src/codec/tar.js';
import { compressFrame } from '../../src/codec/zstd.js';
import { rawFrame } from '../../src/codec/zstd-frame.js';
import { codeOf } from '../codec/chunks.js';
import { bundleOfTar } from './forge.js';
import { build, collect, contentOf, randomBytes, sha256Of, sourceOf, textBytes, type Tree } from './kit.js';

const MIB = 1024 * 1024;

type Part = string | (Partial<Omit<TarBlockFields, 'name'>> & { readonly name: string; readonly content?: Buffer });

/** A tar of headers as they are given: a path that ends in a slash is a folder. */
function tar(...parts: readonly Part[]): Buffer {
  const blocks = parts.flatMap((part) => {
    const given = typeof part === 'string' ? { name: part } : part;
    const { content = Buffer.alloc(0), name, ...fields } = given;
    const typeflag = name.endsWith('/') ? '5' : '0';
    const common = { prefix: Buffer.alloc(0), typeflag, mode: 0o644, bytes: content.length, mtime: 1 };
    return [
      encodeTarBlock({ ...common, ...fields, name: Buffer.from(name) }),
      content,
      Buffer.alloc(paddingBytes(content.length)),
    ];
  });
  return Buffer.concat([...blocks, END_OF_ARCHIVE]);
}

interface Read {
  readonly entry: ForeignEntry;
  readonly content: Buffer;
}

async function read(bytes: Buffer, name = 'x.tar'): Promise<Read[]> {
  const found: { entry: ForeignEntry; chunks: Buffer[] }[] = [];
  let open = false;
  for (const event of await collect(readForeign(sourceOf(bytes, name)))) {
    if (event.type === 'entry') found.push({ entry: event.entry, chunks: [] });
    if (event.type === 'data') found.at(-1)!.chunks.push(event.bytes);
    open = event.type !== 'entry-end';
  }
  expect(open).toBe(false);
  return found.map(({ entry, chunks }) => ({ entry, content: Buffer.concat(chunks) }));
}

async function pathsOf(...parts: readonly Part[]): Promise<string[]> {
  return (await read(tar(...parts))).map(({ entry }) => entry.path);
}

describe('what is read', () => {
  test('files and folders, with their facts', async () => {
    const script = { name: 'a/run.sh', mode: 0o4750, mtime: -3, content: Buffer.from('#!') };
    expect(await read(tar('a/', script, 'empty'))).toEqual([
      { entry: { path: 'a', type: 'directory', bytes: 0, mtime: 1, executable: false }, content: Buffer.alloc(0) },
      { entry: { path: 'a/run.sh', type: 'file', bytes: 2, mtime: -3, executable: true }, content: Buffer.from('#!') },
      { entry: { path: 'empty', type: 'file', bytes: 0, mtime: 1, executable: false }, content: Buffer.alloc(0) },
    ]);
  });

  test.each([
    [
      ['./a', './b/', './b/c'],
      ['a', 'b', 'b/c'],
    ],
    [['./'], ['.']],
    [
      ['.//'.slice(0, 2), './././a'],
      ['.', 'a'],
    ],
    [
      ['a/', 'a/', 'a/b'],
      ['a', 'a', 'a/b'],
    ],
    [
      ['a/b', 'a/'],
      ['a/b', 'a'],
    ],
    [
      ['b', 'a'],
      ['b', 'a'],
    ],
    [
      ['.hidden', '...', '..a'],
      ['.hidden', '...', '..a'],
    ],
    [
      [' ', '-rf', '%', 'a\nb'],
      [' ', '-rf', '%', 'a\nb'],
    ],
  ])('the names %j as %j', async (names, expected) => {
    expect(await pathsOf(...names)).toEqual(expected);
  });

  test('a tar.zst in one frame, in many, with skippable ones, and a bundle of ours', async () => {
    const tree: Tree = { 'a/text': textBytes(200_000), 'b/noise': randomBytes(3 * MIB), 'b/é': '' };
    const { bytes, bag } = await build(tree);
    const plain = tar({ name: 'a', content: textBytes(5_000) });
    const halves = [plain.subarray(0, 700), plain.subarray(700)].map((half) => rawFrame(half));
    const skippable = Buffer.from('532a4d1803000000616263', 'hex');
    const archives = [
      await compressFrame(plain, 3),
      Buffer.concat(halves),
      Buffer.concat([skippable, ...halves, skippable]),
    ];
    for (const archive of archives) {
      for (const name of ['x.tar.zst', 'X.TZST', 'x.zstd']) expect(await read(archive, name)).toHaveLength(1);
    }
    const payload = (await read(bytes, 'x.tar.zst')).filter(({ entry }) => entry.path.startsWith(`${bag}/data/`));
    expect(payload.map(({ content }) => sha256Of(content))).toEqual(
      Object.keys(tree)
        .sort()
        .map((path) => sha256Of(contentOf(tree, path))),
    );
  });
});

describe('names that are refused', () => {
  test.each<readonly [string, string, readonly Part[]]>([
    ['an absolute path', 'PATH_UNSAFE', ['/etc/passwd']],
    ['two slashes in front', 'PATH_UNSAFE', ['//etc/passwd']],
    ['a slash behind the dot', 'PATH_UNSAFE', ['.//etc/passwd']],
    ['a way up', 'PATH_UNSAFE', ['../x']],
    ['a way up behind a dot', 'PATH_UNSAFE', ['./../x']],
    ['a way up in the middle', 'PATH_UNSAFE', ['a/../../x']],
    ['a way up that stays inside', 'PATH_UNSAFE', ['a/../b']],
    ['the folder above', 'PATH_UNSAFE', ['../']],
    ['the root', 'PATH_UNSAFE', ['/']],
    ['a dot in the middle', 'PATH_UNSAFE', ['a/./b']],
    ['an empty segment', 'PATH_UNSAFE', ['a//b']],
    ['two slashes at the end of a folder', 'PATH_UNSAFE', ['a//']],
    ['a drive', 'PATH_UNSAFE', ['C:/x']],
    ['a drive by itself', 'PATH_UNSAFE', ['C:\\x']],
    ['a UNC path', 'PATH_UNSAFE', ['\\\\host\\share']],
    ['a way up with backslashes', 'PATH_UNSAFE', ['a\\..\\..\\x']],
    ['a file that is the target itself', 'PATH_UNSAFE', ['.']],
    ['a file twice', 'TAR_INVALID', ['a', 'b', 'a']],
    ['a file twice under two spellings', 'TAR_INVALID', ['a', './a']],
    ['a folder that is a file', 'TAR_INVALID', ['a', 'a/']],
    ['a file that is a folder', 'TAR_INVALID', ['a/', { name: 'a' }]],
    ['a file that is a folder by what is in it', 'TAR_INVALID', ['a/b', 'a']],
    ['a file below a file', 'TAR_INVALID', ['a', 'a/b']],
    ['a file far below a file', 'TAR_INVALID', ['a/b', 'a/b/c/d']],
    ['a folder below a file', 'TAR_INVALID', ['a', 'a/b/']],
    ['a link', 'TAR_INVALID', [{ name: 'a', typeflag: '2' }]],
    ['a hard link', 'TAR_INVALID', [{ name: 'a', typeflag: '1' }]],
    ['a device', 'TAR_INVALID', [{ name: 'a', typeflag: '3' }]],
    ['a fifo', 'TAR_INVALID', [{ name: 'a', typeflag: '6' }]],
    ['an unknown type', 'TAR_INVALID', [{ name: 'a', typeflag: 'Z' }]],
    ['a folder with a body', 'TAR_INVALID', [{ name: 'a/', content: Buffer.from('x') }]],
  ])('%s', async (_name, code, parts) => {
    expect(await codeOf(() => read(tar(...parts)))).toBe(code);
    expect(await codeOf(() => read(bundleOfTar(tar(...parts)), 'x.tar.zst'))).toBe(code);
  });

  test('a name longer than a disk can hold', async () => {
    const header = (path: string): Buffer =>
      encodeEntryHeader({ path, type: 'file', bytes: 0, mtime: 0, executable: false });
    const long = Buffer.concat([header('n'.repeat(256)), END_OF_ARCHIVE]);
    const deep = Buffer.concat([header(Array<string>(30).fill('d'.repeat(200)).join('/')), END_OF_ARCHIVE]);
    expect(await codeOf(() => read(long))).toBe('PATH_UNSAFE');
    expect(await codeOf(() => read(deep))).toBe('PATH_UNSAFE');
  });

  test('what came before a refused name is yielded: the caller must wait for the end', async () => {
    const events = readForeign(sourceOf(tar('a', '../b'), 'x.tar'));
    expect((await events.next()).value).toMatchObject({ type: 'entry', entry: { path: 'a' } });
    await expect(collect(events)).rejects.toMatchObject({ code: 'PATH_UNSAFE' });
  });
});

describe('limits', () => {
  test('an archive that ends early, or goes on behind its end', async () => {
    const whole = tar({ name: 'a', content: Buffer.from('content') });
    for (const end of [0, 511, 512, 515, 1_024, whole.length - 512, whole.length - 1]) {
      expect(await codeOf(() => read(whole.subarray(0, end)))).not.toBe('none');
    }
    expect(await codeOf(() => read(Buffer.concat([whole, tar('b')])))).toBe('TAR_INVALID');
    expect(await codeOf(() => read(Buffer.concat([whole, Buffer.alloc(10_240)])))).toBe('none');
  });

  test('a frame that is cut off, garbage behind it, and a file that is no zstd', async () => {
    const frame = await compressFrame(tar({ name: 'a', content: textBytes(9_000) }), 3);
    for (const bytes of [frame.subarray(0, -1), Buffer.concat([frame, Buffer.from('x')]), tar('a'), Buffer.alloc(0)]) {
      expect(await codeOf(() => read(bytes, 'x.tar.zst'))).toBe('ZSTD_INVALID');
    }
  });

  test('a bomb: a frame of 256 MiB, and many small ones', async () => {
    const frame = await compressFrame(Buffer.alloc(8 * MIB), 3);
    const many = Buffer.concat(Array<Buffer>(40).fill(frame));
    expect(many.length).toBeLessThan(64 * 1024);
    expect(await codeOf(() => read(many, 'x.tar.zst'))).toBe('LIMIT_EXCEEDED');
    const block = Buffer.from('02001000', 'hex');
    const rle = Buffer.concat([
      Buffer.from('28b52ffd0058', 'hex'),
      ...Array<Buffer>(2_047).fill(block),
      Buffer.from('03001000', 'hex'),
    ]);
    expect(await codeOf(() => read(rle, 'x.tar.zst'))).toBe('LIMIT_EXCEEDED');
  });

  test('what compresses well is no bomb', async () => {
    const content = Buffer.alloc(40 * MIB, 'the same line again\n');
    expect(await read(await compressFrame(tar({ name: 'a', content }), 3), 'x.tar.zst')).toHaveLength(1);
  });
});
