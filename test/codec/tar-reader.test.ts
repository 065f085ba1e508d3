import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePaxRecords, parsePaxRecords } from '../../src/codec/pax.js';
import { encodeTarBlock } from '../../src/codec/tar-block.js';
import { encodeEntryHeader, END_OF_ARCHIVE, paddingBytes } from '../../src/codec/tar.js';
import type { TarEntry, TarReaderOptions } from '../../src/codec/tar-reader.js';
import { TarReader } from '../../src/codec/tar-reader.js';
import { chop, chunkSizes, codeOf } from './chunks.js';
import { unpackShared, WITHOUT_DATA } from './shared-data.js';

const STRICT: TarReaderOptions = { subject: 'test.tar', strictPadding: true };
const FOREIGN: TarReaderOptions = { subject: 'test.tar', strictPadding: false };
const hostile = unpackShared('hostile-tars');

interface Found {
  readonly entry: TarEntry;
  readonly body: string;
}

describe('the tar reader', () => {
  it('finds the same however the bytes are chopped', () => {
    const tar = Buffer.concat([
      file('bag/bagit.txt', 'BagIt'),
      file('bag/data/é', 'x'.repeat(512)),
      file(`bag/${'long/'.repeat(60)}name`, 'y'.repeat(1_500)),
      encodeEntryHeader({ path: 'bag/empty', type: 'directory', bytes: 0, mtime: -7, executable: false }),
      file('bag/none', ''),
      END_OF_ARCHIVE,
      Buffer.alloc(3_000),
    ]);
    const whole = readAll([tar], STRICT);
    expect(whole.map(({ entry, body }) => [entry.name.slice(0, 12), entry.type, entry.mtime, body.length])).toEqual([
      ['bag/bagit.tx', 'file', 1, 5],
      ['bag/data/é', 'file', 1, 512],
      ['bag/long/lon', 'file', 1, 1_500],
      ['bag/empty/', 'directory', -7, 0],
      ['bag/none', 'file', 1, 0],
    ]);
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        expect(readAll(chop(tar, sizes), STRICT)).toEqual(whole);
      }),
    );
    expect(readAll(chop(tar, [1]), STRICT)).toEqual(whole);
  });

  it('tells where headers and bodies stand', () => {
    const first = file('bag/é', 'abc');
    const tar = Buffer.concat([first, file('bag/b', 'def'), END_OF_ARCHIVE]);
    const [one, two] = readAll([tar], STRICT).map(({ entry }) => entry);
    expect([one?.headerOffset, two?.headerOffset]).toEqual([0, first.length]);
    expect(tar.toString('latin1', one?.dataOffset, (one?.dataOffset ?? 0) + 3)).toBe('abc');
    expect(tar.toString('latin1', two?.dataOffset, (two?.dataOffset ?? 0) + 3)).toBe('def');
  });

  it('says the end of an entry behind its padding, so that a body that is told is told whole', () => {
    const tar = file('bag/a', 'abc');
    const reader = new TarReader(STRICT);
    expect([...reader.push(tar.subarray(0, -1))].map(({ type }) => type)).toEqual(['entry', 'data']);
    expect([...reader.push(tar.subarray(-1))].map(({ type }) => type)).toEqual(['entry-end']);
  });

  it('raises nothing but its own error for damaged and random bytes', async () => {
    const tar = Buffer.concat([file('bag/é', 'abc'), gnuLong('L', 'bag/b'), file('b', 'd'), END_OF_ARCHIVE]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: tar.length - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        async (at, random) => {
          const damaged = Buffer.from(tar);
          damaged.set(random.subarray(0, tar.length - at), at);
          const codes = ['none', 'TAR_INVALID', 'LIMIT_EXCEEDED'];
          expect(codes).toContain(await codeOf(() => readAll([damaged], FOREIGN)));
          expect(codes).toContain(await codeOf(() => readAll([Buffer.from(random)], STRICT)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes nothing but zeros behind the end, and needs two blocks of them', async () => {
    const tar = file('bag/a', 'abc');
    const ends: readonly (readonly [readonly Buffer[], string])[] = [
      [[END_OF_ARCHIVE], 'none'],
      [[END_OF_ARCHIVE, Buffer.alloc(100_001)], 'none'],
      [[], 'TAR_INVALID'],
      [[Buffer.alloc(512)], 'TAR_INVALID'],
      [[Buffer.alloc(1_023)], 'TAR_INVALID'],
      [[Buffer.alloc(512), tar, END_OF_ARCHIVE], 'TAR_INVALID'],
      [[END_OF_ARCHIVE, Buffer.alloc(70_000), Buffer.from('x')], 'TAR_INVALID'],
      [[END_OF_ARCHIVE, tar, END_OF_ARCHIVE], 'TAR_INVALID'],
    ];
    for (const [end, code] of ends) expect(await codeOf(() => readAll([tar, ...end], STRICT))).toBe(code);
  });

  it('takes padding that is not zero only where that is asked for', async () => {
    const tar = Buffer.concat([file('bag/a', 'abc'), END_OF_ARCHIVE]);
    tar.write('hidden', 600);
    expect(await codeOf(() => readAll([tar], STRICT))).toBe('TAR_INVALID');
    expect(readAll([tar], FOREIGN)[0]?.body).toBe('abc');
  });
});

describe('extension headers', () => {
  it('read GNU long names up to the NUL, and let PAX win over them', () => {
    const link = Buffer.concat([gnuLong('K', 'target'), gnuLong('L', 'name\0rest'), block('x', '2'), END_OF_ARCHIVE]);
    expect(readAll([link], STRICT)[0]?.entry).toMatchObject({ name: 'name', linkname: 'target', type: 'symlink' });
    const both = Buffer.concat([pax('x', [['path', 'pax']]), gnuLong('L', 'gnu'), file('ustar', ''), END_OF_ARCHIVE]);
    expect(readAll([both], STRICT)[0]?.entry).toMatchObject({ name: 'pax', headerOffset: 0 });
  });

  it('hold for one entry only', () => {
    const tar = Buffer.concat([pax('x', [['mtime', '5']]), file('a', ''), file('b', ''), END_OF_ARCHIVE]);
    expect(readAll([tar], STRICT).map(({ entry }) => entry.mtime)).toEqual([5, 1]);
  });

  it('cut fractions of a second towards the past', () => {
    const times = ['1.9', '-1.5', '-1.0', '-0.5', '7.', '-0'].map((mtime) =>
      parsePaxRecords(rawRecord('mtime', mtime), 'test'),
    );
    expect(times.map(({ mtime }) => mtime)).toEqual([1, -2, -1, -1, 7, 0]);
  });

  it('come back as they were written', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(text, fc.maxSafeNat(), fc.maxSafeInteger(), (name, bytes, mtime) => {
        const body = encodePaxRecords([
          ['path', name],
          ['size', String(bytes)],
          ['mtime', String(mtime)],
        ]);
        expect(parsePaxRecords(body, 'test')).toEqual({ path: name, bytes, mtime });
      }),
    );
  });

  it('give back a field with an empty value', () => {
    const body = Buffer.concat([
      rawRecord('path', 'a'),
      rawRecord('size', '7'),
      rawRecord('path', ''),
      rawRecord('size', ''),
    ]);
    expect(parsePaxRecords(body, 'test')).toEqual({});
  });

  it('pollute no prototype', () => {
    const body = Buffer.concat(['__proto__', 'constructor', 'toString', 'bytes'].map((key) => rawRecord(key, 'x')));
    const records = parsePaxRecords(body, 'test');
    expect(Object.keys(records)).toEqual([]);
    expect(Object.getPrototypeOf(records)).toBe(Object.prototype);
  });

  it.each([
    ['7 a=b\n'],
    ['5 a=b\n'],
    ['06 a=b\n'],
    ['+6 a=b\n'],
    ['6  a=b\n'],
    ['6 a=bc'],
    ['5 =b\n'],
    ['6 ab1\n'],
    ['3 \n'],
    ['6 a=b\n\0'],
    ['99999999999999999999 a=b\n'],
    ['9 size=-\n'],
    ['10 size=1e\n'],
    ['10 size=1 \n'],
    ['13 mtime=abc\n'],
    ['26 mtime=9007199254740993\n'],
    ['11 path=a\0\n'],
  ])('are refused as %j', async (body) => {
    expect(await codeOf(() => parsePaxRecords(Buffer.from(body), 'test'))).toBe('TAR_INVALID');
  });

  it.each([
    ['a global path', [pax('g', [['path', 'all']]), file('a', '')]],
    ['a global size', [pax('g', [['size', '1']]), file('a', '')]],
    ['two PAX headers', [pax('x', [['path', 'a']]), pax('x', [['path', 'b']]), file('a', '')]],
    ['two long names', [gnuLong('L', 'a'), gnuLong('L', 'b'), file('a', '')]],
    ['an empty long name', [gnuLong('L', '\0'), file('a', '')]],
    ['a PAX header with no entry', [file('a', ''), pax('x', [['path', 'a']])]],
    ['a long name with no entry', [gnuLong('L', 'a')]],
    ['a directory with bytes by PAX', [pax('x', [['size', '5']]), block('d', '5')]],
    ['a name that is not UTF-8', [block(Buffer.from([0x61, 0xff]), '0')]],
  ])('refuse %s', async (_name, parts) => {
    expect(await codeOf(() => readAll([...parts, END_OF_ARCHIVE], FOREIGN))).toBe('TAR_INVALID');
  });

  it('take a global header that says nothing about entries, also as the last', () => {
    const global = Buffer.concat([
      header('pax_global_header', 'g', rawRecord('comment', 'x').length),
      padded(rawRecord('comment', 'x')),
    ]);
    expect(readAll([global, file('a', ''), global, END_OF_ARCHIVE], STRICT)).toHaveLength(1);
    expect(readAll([pax('g', [['mtime', '9']]), file('a', ''), END_OF_ARCHIVE], STRICT)[0]?.entry.mtime).toBe(9);
  });

  it('are bounded', async () => {
    expect(await codeOf(() => readAll([header('PaxHeaders/x', 'x', 2 ** 20 + 1)], STRICT))).toBe('LIMIT_EXCEEDED');
    expect(await codeOf(() => readAll([header('././@LongLink', 'L', 2 ** 53 - 1)], STRICT))).toBe('LIMIT_EXCEEDED');
  });

  it('may cut the name in the block inside a character, as GNU tar does', () => {
    const tar = Buffer.concat([pax('x', [['path', 'whole']]), block(Buffer.from([0x61, 0xc3]), '0'), END_OF_ARCHIVE]);
    expect(readAll([tar], STRICT)[0]?.entry.name).toBe('whole');
  });
});

describe('a resumed reader', () => {
  const inner = Buffer.concat([file('other/a', 'x'), file('other/é', 'x'), END_OF_ARCHIVE]);
  const parts = [
    file('bag/inner.tar', inner),
    file('bag/é', 'content'),
    file('bag/last', 'z'.repeat(2_000)),
    END_OF_ARCHIVE,
  ];
  const tar = Buffer.concat(parts);
  const starts = parts.map((_, at) => Buffer.concat(parts.slice(0, at)).length);

  function resumed(tarOffset: number, sizes = [tar.length]): Found[] {
    const resume = { tarOffset, namePrefix: 'bag/' };
    return readAll(chop(tar.subarray(tarOffset), sizes), { ...STRICT, resume });
  }

  it('goes on at the next entry of the bag, wherever it starts', () => {
    const whole = readAll([tar], STRICT);
    for (let offset = 0; offset <= tar.length; offset += 37) {
      const expected = whole.filter(({ entry }) => entry.headerOffset >= offset);
      // From the middle of a PAX header the entry behind it is found by its short name.
      const found = resumed(offset, [700]).filter(({ entry }) => starts.includes(entry.headerOffset));
      expect(found).toEqual(expected);
    }
  });

  it('takes a tar inside a payload for no more than payload', () => {
    expect(resumed(512).map(({ entry }) => entry.name)).toEqual(['bag/é', 'bag/last']);
  });

  it('keeps the PAX header of the entry that it finds', () => {
    expect(resumed(512)[0]).toMatchObject({ entry: { name: 'bag/é', headerOffset: starts[1] }, body: 'content' });
  });

  it('ends quietly when nothing more is found, and says so', () => {
    const reader = new TarReader({ ...STRICT, resume: { tarOffset: (starts[2] ?? 0) + 1, namePrefix: 'bag/' } });
    expect([...reader.push(tar.subarray((starts[2] ?? 0) + 1))]).toEqual([]);
    expect(reader.searching).toBe(true);
    reader.end();
  });

  it('is as strict as ever once it has found an entry', async () => {
    const resume = { tarOffset: 100, namePrefix: 'bag/' };
    const cut = tar.subarray(100, tar.length - 512);
    expect(await codeOf(() => readAll([cut], { ...STRICT, resume }))).toBe('TAR_INVALID');
  });
});

/** What the tar layer alone must refuse; names, links, types and duplicates are for the layers above. */
const REFUSED = new Set(
  `path-empty path-slash path-trailing-slash-data path-pax-nul path-pax-global-dotdot path-name-1MiB path-not-utf8
   hard-with-data type-volume-negsize type-sparse-gnu type-sparse-pax size-negative-octal size-negative-b256 size-8EiB
   size-over-2^53 size-not-octal dir-with-size pax-bad-length pax-no-newline pax-length-overflow pax-no-equals
   pax-size-text pax-mtime-text mtime-huge pax-huge pax-dangling gnu-long-dangling pax-twice cksum-bad cksum-blank
   end-missing end-one-block end-truncated-body end-truncated-padding end-truncated-header end-second-archive
   end-garbage end-nonzero-padding empty-file not-tar`
    .split(/\s+/)
    .map((name) => `${name}.tar`),
);

interface Verdict {
  readonly file: string;
  readonly cls: string;
  readonly verdict: 'accept' | 'reject' | 'policy';
}

describe.skipIf(hostile === undefined)(`hostile tars (${WITHOUT_DATA})`, () => {
  const folder = path.join(hostile ?? '', 'own-hostile');
  const verdicts =
    hostile === undefined ? [] : (JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Verdict[]);
  const tars = verdicts.filter(({ file: name }) => name.endsWith('.tar'));

  it.each(tars)('$file ($verdict)', async ({ file: name, cls, verdict }) => {
    const bytes = readFileSync(path.join(folder, name));
    const code = await codeOf(() => readAll([bytes], STRICT));
    expect(code === 'none').toBe(!REFUSED.has(name));
    expect(await codeOf(() => readAll(chop(bytes, [333]), STRICT))).toBe(code);
    if (verdict === 'accept') expect(code).toBe('none');
    if (verdict === 'reject' && (cls === 'header' || cls === 'end')) expect(code).not.toBe('none');
  });

  it('names only files that there are', () => {
    const names = new Set(tars.map(({ file: name }) => name));
    expect([...REFUSED].filter((name) => !names.has(name))).toEqual([]);
  });

  it.each([
    ['pax-size-smuggle.tar', [['regular.txt', 2_048]]],
    [
      'pax-size-before-L.tar',
      [
        ['file_a', 2_048],
        ['file_b', 1],
      ],
    ],
    ['pax-size-zero-header.tar', [['p', 4]]],
    ['path-gnu-long-nul.tar', [['0123456789', 1]]],
    ['path-pax-empty.tar', [['good.txt', 1]]],
  ])('%s has exactly these entries', (name, expected) => {
    const found = readAll([readFileSync(path.join(folder, name))], STRICT);
    const entries = found.map(({ entry, body }) => [entry.name, body.length]);
    expect(entries.filter(([entryName]) => entryName !== 'ok/first.txt')).toEqual(expected);
  });
});

function readAll(chunks: readonly Buffer[], options: TarReaderOptions): Found[] {
  const reader = new TarReader(options);
  const found: Found[] = [];
  let open: { entry: TarEntry; body: string } | undefined;
  for (const chunk of chunks) {
    for (const event of reader.push(chunk)) {
      if (event.type === 'entry') open = { entry: event.entry, body: '' };
      else if (event.type === 'data') open!.body += event.bytes.toString('latin1');
      else found.push(open!);
    }
  }
  reader.end();
  return found;
}

function file(name: string, content: string | Buffer): Buffer {
  const body = Buffer.from(content);
  const entry = { path: name, type: 'file', bytes: body.length, mtime: 1, executable: false } as const;
  return Buffer.concat([encodeEntryHeader(entry), padded(body)]);
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc(paddingBytes(body.length))]);
}

function header(name: string, typeflag: string, bytes: number): Buffer {
  return encodeTarBlock({ name: Buffer.from(name), prefix: Buffer.alloc(0), typeflag, mode: 0o644, bytes, mtime: 0 });
}

function block(name: string | Buffer, typeflag: string): Buffer {
  return encodeTarBlock({
    name: Buffer.from(name),
    prefix: Buffer.alloc(0),
    typeflag,
    mode: 0o644,
    bytes: 0,
    mtime: 0,
  });
}

function pax(typeflag: 'x' | 'g', records: Parameters<typeof encodePaxRecords>[0]): Buffer {
  const body = encodePaxRecords(records);
  return Buffer.concat([header('PaxHeaders/x', typeflag, body.length), padded(body)]);
}

function gnuLong(typeflag: 'L' | 'K', text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  return Buffer.concat([header('././@LongLink', typeflag, body.length), padded(body)]);
}

function rawRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const length = [1, 2, 3]
    .map((digits) => rest.length + digits)
    .find((all) => all - rest.length === String(all).length);
  return Buffer.from(`${length ?? 0}${rest}`);
}
