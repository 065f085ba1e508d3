import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { extract, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { TarEntryHeader } from '../../src/codec/tar.js';
import {
  encodeEntryHeader,
  END_OF_ARCHIVE,
  entryHeaderBytes,
  paddingBytes,
  writeEntryHeader,
} from '../../src/codec/tar.js';
import type { TarEntry } from '../../src/codec/tar-reader.js';
import { TarReader } from '../../src/codec/tar-reader.js';
import { codeOf } from './chunks.js';
import { hasProgram, scratchFolder } from './shared-data.js';

const FILE: TarEntryHeader = { path: 'bag/a', type: 'file', bytes: 0, mtime: 1_700_000_000, executable: false };

const segment = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme-ascii', maxLength: 255 }))
  .map((text) => text.replace(/[/\0]/g, '-'))
  .filter((text) => text !== '' && Buffer.byteLength(text) <= 255);

const paths = fc
  .array(segment, { minLength: 1, maxLength: 20 })
  .map((segments) => segments.join('/'))
  .filter((text) => Buffer.byteLength(text) <= 3_800);

const mtimes = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, 0, -5, 2 ** 31, 2 ** 33 - 1, 2 ** 33, 2 ** 53 - 1, -(2 ** 53 - 1)),
);

const sizes = fc.oneof(fc.nat({ max: 10_000 }), fc.maxSafeNat(), fc.constantFrom(2 ** 33 - 1, 2 ** 33, 2 ** 53 - 1));

/** Paths as most lakes have them, and lengths around what the name and the prefix hold. */
const plainPaths = fc
  .array(fc.string({ unit: fc.constantFrom('a', '=', '.', '-', '7'), minLength: 1, maxLength: 160 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => segments.join('/'));

describe('an entry header', () => {
  it('is the same, and as long as foretold, when it is written into a buffer', () => {
    const target = Buffer.alloc(16_384, 0xaa);
    fc.assert(
      fc.property(fc.oneof(plainPaths, paths), sizes, mtimes, fc.boolean(), fc.boolean(), (...facts) => {
        const [name, bytes, mtime, executable, isFile] = facts;
        const type = isFile ? 'file' : 'directory';
        const entry: TarEntryHeader = { path: name, type, bytes: isFile ? bytes : 0, mtime, executable };
        const expected = encodeEntryHeader(entry);
        expect(entryHeaderBytes(entry)).toBe(expected.length);
        expect(writeEntryHeader(entry, target, 512)).toBe(expected.length);
        expect(target.subarray(512, 512 + expected.length).equals(expected)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { ...FILE, path: '' },
    { ...FILE, path: 'a/' },
    { ...FILE, path: 'a\0b' },
    { ...FILE, bytes: -1 },
    { ...FILE, bytes: 1.5 },
    { ...FILE, mtime: Number.NaN },
    { ...FILE, type: 'directory' as const, bytes: 1 },
  ])('is refused in the same words when it is written into a buffer: %j', async (entry) => {
    const expected = await codeOf(() => encodeEntryHeader(entry));
    expect(expected).toBe('TAR_INVALID');
    expect(await codeOf(() => writeEntryHeader(entry, Buffer.alloc(1024), 0))).toBe(expected);
    expect(await codeOf(() => entryHeaderBytes(entry))).toBe(expected);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(paths, sizes, mtimes, fc.boolean(), fc.boolean(), (name, bytes, mtime, executable, isFile) => {
        const entry: TarEntryHeader = isFile
          ? { path: name, type: 'file', bytes, mtime, executable }
          : { path: name, type: 'directory', bytes: 0, mtime, executable };
        const header = encodeEntryHeader(entry);
        expect(header.length % 512).toBe(0);
        expect(firstEntry(header)).toEqual({
          name: isFile ? name : `${name}/`,
          type: entry.type,
          typeflag: isFile ? '0' : '5',
          bytes: entry.bytes,
          mtime,
          mode: isFile && !executable ? 0o644 : 0o755,
          headerOffset: 0,
          dataOffset: header.length,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is one block for a plain name, also where it is split into prefix and name', () => {
    const names = ['a', 'x'.repeat(100), `${'p'.repeat(155)}/${'n'.repeat(100)}`, `${'d/'.repeat(100)}name`];
    for (const name of names) expect(encodeEntryHeader({ ...FILE, path: name })).toHaveLength(512);
  });

  it('takes PAX records exactly where ustar has no room', () => {
    const cases: readonly (readonly [Partial<TarEntryHeader>, string])[] = [
      [{ path: 'é'.repeat(51) }, `112 path=${'é'.repeat(51)}\n`],
      [{ path: 'x'.repeat(101) }, `111 path=${'x'.repeat(101)}\n`],
      [{ bytes: 2 ** 33 }, '19 size=8589934592\n'],
      [{ mtime: -1 }, '12 mtime=-1\n'],
      [{ mtime: 2 ** 33 }, '20 mtime=8589934592\n'],
    ];
    for (const [change, records] of cases) {
      const header = encodeEntryHeader({ ...FILE, ...change });
      const body = Buffer.from(records);
      expect(header.toString('latin1', 156, 157)).toBe('x');
      expect(header.subarray(512, 512 + body.length).toString()).toBe(records);
      expect(header).toHaveLength(512 + body.length + paddingBytes(body.length) + 512);
    }
    expect(encodeEntryHeader({ ...FILE, bytes: 2 ** 33 - 1, mtime: 2 ** 33 - 1 })).toHaveLength(512);
    expect(encodeEntryHeader({ ...FILE, path: 'é'.repeat(50) })).toHaveLength(512);
  });

  it('counts its own digits in the length of a record', () => {
    for (let size = 101; size <= 1_200; size += 1) {
      expect(firstEntry(encodeEntryHeader({ ...FILE, path: 'x'.repeat(size) })).name).toHaveLength(size);
    }
  });

  it('has owner 0 without a name, and depends on nothing but the entry', () => {
    const path = 'ü'.repeat(60);
    const header = encodeEntryHeader({ ...FILE, path, executable: true });
    for (const block of [header.subarray(0, 512), header.subarray(-512)]) {
      expect(block.toString('latin1', 108, 124)).toBe('0000000\x000000000\x00');
      expect(block.subarray(265, 329).every((byte) => byte === 0)).toBe(true);
    }
    expect(header.toString('latin1', 0, 12)).toBe('PaxHeaders/_');
    expect(encodeEntryHeader({ ...FILE, path, executable: true }).equals(header)).toBe(true);
  });

  it('never shows a file as a directory to a reader that knows no PAX', () => {
    const header = encodeEntryHeader({ ...FILE, path: `${'x'.repeat(99)}/${'y'.repeat(200)}` }).subarray(-512);
    expect(header.toString('latin1', 0, 100)).toBe(`${'x'.repeat(99)}\0`);
    const cutInside = encodeEntryHeader({ ...FILE, path: `${'x'.repeat(99)}é${'y'.repeat(200)}` }).subarray(-512);
    expect(cutInside.toString('latin1', 0, 100)).toBe(`${'x'.repeat(99)}\0`);
  });

  it.each([
    ['an empty path', { path: '' }],
    ['a slash at the end', { path: 'a/' }],
    ['a NUL', { path: 'a\0b' }],
    ['a lone surrogate', { path: 'a\ud800' }],
    ['a negative size', { bytes: -1 }],
    ['a size above 2^53', { bytes: 2 ** 53 }],
    ['half a second', { mtime: 0.5 }],
    ['a directory with bytes', { type: 'directory', bytes: 1 }],
  ] as const)('refuses %s', async (_name, change) => {
    expect(await codeOf(() => encodeEntryHeader({ ...FILE, ...change }))).toBe('TAR_INVALID');
  });
});

describe('tar-stream, as an independent reader and writer', () => {
  it('reads every name, size and mode that we write', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(paths, fc.nat({ max: 2_000 }), fc.boolean()), { maxLength: 5 }),
        async (list) => {
          const entries = list.map(([name, bytes, executable]) => ({ ...FILE, path: name, bytes, executable }));
          const found = await readWithTarStream(archiveOf(entries));
          expect(found).toEqual(
            entries.map(({ path: name, bytes, executable, mtime }) => ({
              name,
              size: bytes,
              mode: executable ? 0o755 : 0o644,
              mtime,
              type: 'file',
            })),
          );
        },
      ),
    );
  });

  it('is read by us', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(paths, fc.nat({ max: 2_000 })), { maxLength: 5 }), async (list) => {
        const packer = pack();
        for (const [name, bytes] of list) {
          packer.entry({ name, mtime: new Date(1e12), type: 'file' }, Buffer.alloc(bytes, 1));
        }
        packer.finalize();
        const chunks: Buffer[] = [];
        for await (const chunk of packer) chunks.push(Buffer.from(chunk as Uint8Array));
        const found = entriesOf(Buffer.concat(chunks)).map(({ name, bytes, mtime }) => [name, bytes, mtime]);
        expect(found).toEqual(list.map(([name, bytes]) => [name, bytes, 1e9]));
      }),
    );
  });
});

const NAMES = [
  'plain.txt',
  'é.txt',
  `${'é/'.repeat(30)}x`,
  `${'b'.repeat(120)}/${'c'.repeat(90)}`,
  'b'.repeat(250),
  `${`${'d'.repeat(200)}/`.repeat(5)}${'日本'.repeat(40)}`,
  `${'e/'.repeat(300)}x`,
  `${'x'.padEnd(95, 'y')}/${'q'.repeat(150)}`,
  'new\nline',
];

const PROGRAMS = [
  ['tar', ['tar']],
  ['bsdtar', ['bsdtar']],
  ['busybox', ['busybox', 'tar']],
] as const;

describe('stock tar programs', () => {
  for (const [program, [command, ...before]] of PROGRAMS) {
    it.skipIf(!hasProgram(command))(
      `${program} restores names, sizes, modes and times (skipped where it is absent)`,
      () => {
        const folder = scratchFolder();
        const entries = NAMES.map((name, at) => ({
          ...FILE,
          path: `bag/${name}`,
          bytes: at * 100,
          mtime: [-5, 2 ** 33 + 1][at] ?? FILE.mtime,
          executable: at === 2,
        }));
        const empty: TarEntryHeader = { ...FILE, path: `bag/${'z'.repeat(150)}`, type: 'directory' };
        writeFileSync(path.join(folder, 'a.tar'), archiveOf([...entries, empty]));
        mkdirSync(path.join(folder, 'out'));
        execFileSync(command, [...before, '-xf', '../a.tar'], {
          cwd: path.join(folder, 'out'),
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
          stdio: 'pipe',
        });
        for (const { path: name, bytes, mtime, executable } of entries) {
          const found = statSync(path.join(folder, 'out', name));
          expect([name, found.size, found.mtimeMs / 1_000, found.mode & 0o777]).toEqual([
            name,
            bytes,
            mtime,
            executable ? 0o755 : 0o644,
          ]);
        }
        expect(statSync(path.join(folder, 'out', empty.path)).isDirectory()).toBe(true);
        expect(readdirSync(path.join(folder, 'out'))).toEqual(['bag']);
      },
    );
  }

  for (const [program, format] of [
    ['tar', 'posix'],
    ['tar', 'gnu'],
    ['bsdtar', 'pax'],
  ] as const) {
    it.skipIf(!hasProgram(program))(
      `what ${program} writes as ${format} is read by us (skipped where it is absent)`,
      () => {
        const folder = scratchFolder();
        const root = path.join(folder, 'in');
        for (const name of NAMES) {
          mkdirSync(path.join(root, path.dirname(name)), { recursive: true });
          writeFileSync(path.join(root, name), name);
        }
        const env = { ...process.env, LC_ALL: 'C.UTF-8' };
        execFileSync(program, [`--format=${format}`, '-cf', 'a.tar', '-C', 'in', '.'], { cwd: folder, env });
        const entries = entriesOf(readFileSync(path.join(folder, 'a.tar')));
        const files = entries.filter(({ type }) => type === 'file').map(({ name }) => name.replace('./', ''));
        expect(files.sort()).toEqual([...NAMES].sort());
      },
    );
  }
});

function archiveOf(entries: readonly TarEntryHeader[]): Buffer {
  const parts = entries.flatMap((entry) => [
    encodeEntryHeader(entry),
    Buffer.alloc(entry.bytes, 'x'),
    Buffer.alloc(paddingBytes(entry.bytes)),
  ]);
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

function firstEntry(header: Buffer): TarEntry {
  const reader = new TarReader({ subject: 'test.tar', strictPadding: true });
  for (const event of reader.push(header)) if (event.type === 'entry') return event.entry;
  throw new Error('no entry');
}

function entriesOf(tar: Buffer): TarEntry[] {
  const reader = new TarReader({ subject: 'test.tar', strictPadding: true });
  const entries = [...reader.push(tar)].flatMap((event) => (event.type === 'entry' ? [event.entry] : []));
  reader.end();
  return entries;
}

interface OracleEntry {
  readonly name: string;
  readonly size: number | undefined;
  readonly mode: number | undefined;
  readonly mtime: number;
  readonly type: string | null | undefined;
}

function readWithTarStream(tar: Buffer): Promise<OracleEntry[]> {
  const found: OracleEntry[] = [];
  return new Promise((resolve, reject) => {
    const reader = extract();
    reader.on('entry', ({ name, size, mode, mtime, type }, body, next) => {
      found.push({ name, size, mode, mtime: mtime.getTime() / 1_000, type });
      body.on('end', next);
      body.resume();
    });
    reader.on('finish', () => resolve(found));
    reader.on('error', reject);
    reader.end(tar);
  });
}
