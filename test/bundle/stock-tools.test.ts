/** Any bundle restores with stock programs alone, and what comes out is a valid bag (RFC 8493). */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bagFaults } from './bagit-validator.js';
import {
  build,
  EXPORT_ID,
  NEWEST_MTIME,
  randomBytes,
  textBytes,
  type Built,
  type BuildOptions,
  type Tree,
} from './kit.js';

const MIB = 1024 * 1024;
const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-stock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function has(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}
const HAS_ZSTD = has('zstd');

/** Names that a shell, a tar or a checksum file could take amiss. */
const ODD: Tree = {
  'silver/x/-rf': 'leading dash',
  'silver/x/--': 'two dashes',
  'silver/x/ spaces on both sides ': 'spaces',
  'silver/x/back\\slash': 'backslash',
  'silver/x/back\\nslash': 'no newline',
  'silver/x/quote"\'$(id)`id`*?': 'shell',
  'silver/x/é e\u0301 日本語 \u{1f600}': 'unicode',
  'silver/x/tab\there': 'tab',
  'silver/x/empty': '',
  'silver/x/empty folder': null,
  'silver/x/empty folder é': null,
  'silver/x/#comment': '#',
  'silver/x/~home': '~',
};
const ESCAPED: Tree = {
  'silver/x/100%': 'percent',
  'silver/x/%0A': 'percent, no newline',
  'silver/x/%25': 'percent twice',
  'silver/x/new\nline': 'newline',
  'silver/x/new\n': 'newline at the end',
  'silver/x/carriage\rreturn': 'carriage return',
  'silver/x/all\\%\r\n': 'all',
  'silver/x/folder\n/%/file': 'in folders',
};
const LONG: Tree = {
  [`silver/${'d'.repeat(60)}/${'e'.repeat(60)}/f.txt`]: 'above 100 bytes, fits ustar',
  [`silver/${'n'.repeat(255)}`]: 'a name of 255 bytes',
  [`silver/${'é'.repeat(127)}`]: 'a name of 254 bytes',
  [`silver/${Array.from({ length: 12 }, (_, n) => `${n}`.repeat(40)).join('/')}/deep`]: 'deep',
  [`silver/${'z'.repeat(120)}`]: null,
};
const SIZES: Tree = Object.fromEntries(
  [0, 1, 511, 512, 513, 1_023, 1_024, MIB - 512, MIB, 4 * MIB - 512, 4 * MIB, 4 * MIB + 1].flatMap((size) => [
    [`silver/x/text-${size}`, textBytes(size)],
    [`silver/x/noise-${size}`, randomBytes(size)],
  ]),
);
const LARGE: Tree = { 'gold/large': Buffer.concat([textBytes(9 * MIB), randomBytes(9 * MIB)]), 'gold/small': 'small' };
const EMPTY: Tree = { 'silver/x/empty folder': null, 'silver/y': null };

interface Case {
  readonly built: Built;
  readonly file: string;
}
const TREES: Readonly<Record<string, readonly [Tree, BuildOptions]>> = {
  odd: [ODD, { executable: ['silver/x/-rf'], mtime: (name) => (name.endsWith('tab\there') ? 12_345 : NEWEST_MTIME) }],
  escaped: [ESCAPED, { partition: 'silver/%/\n' }],
  long: [LONG, {}],
  sizes: [SIZES, { level: 1 }],
  large: [LARGE, { level: 1, number: 2 }],
  empty: [EMPTY, { provenance: { note: 'two\n\nlines: with a colon', licence: 'é' } }],
};
const cases = new Map<string, Case>();
beforeAll(async () => {
  for (const [name, [tree, options]] of Object.entries(TREES)) {
    const built = await build(tree, options);
    const file = path.join(folder, `${name}.tar.zst`);
    writeFileSync(file, built.bytes);
    cases.set(name, { built, file });
  }
});

/** What `RESTORE.md` tells people to do; Node is not on the PATH of these programs. */
const UNPACK: Readonly<Record<string, string>> = {
  'GNU tar': 'zstd -dc "$1" | tar -xf - -C "$2"',
  'GNU tar with --zstd': 'tar --zstd -xf "$1" -C "$2"',
  bsdtar: 'LC_ALL=C.UTF-8; export LC_ALL; zstd -dc "$1" | bsdtar -xf - -C "$2"',
  'bsdtar by itself': 'LC_ALL=C.UTF-8; export LC_ALL; bsdtar -xf "$1" -C "$2"',
  'busybox tar': 'zstd -dc "$1" | busybox tar -xf - -C "$2"',
};

function run(script: string, ...args: readonly string[]): SpawnSyncReturns<string> {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  return spawnSync('sh', ['-c', script, 'sh', ...args], { encoding: 'utf8', env, maxBuffer: 64 * MIB });
}

function programOf(way: string): string {
  return way.startsWith('GNU') ? 'tar' : way.startsWith('bsdtar') ? 'bsdtar' : 'busybox';
}

function unpack(name: string, way = 'GNU tar'): string {
  const target = mkdtempSync(path.join(folder, `${name}-`));
  const { file, built } = cases.get(name)!;
  const result = run(UNPACK[way]!, file, target);
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  expect(readdirSync(target)).toEqual([built.bag]);
  return path.join(target, built.bag);
}

/** Path to content and facts, of what stands on disk. */
function diskTree(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const place = path.join(entry.parentPath, entry.name);
    const { mode, mtimeMs } = statSync(place);
    const isEmptyFolder = entry.isDirectory() && readdirSync(place).length === 0;
    const facts = `${(mode & 0o777).toString(8)} ${mtimeMs / 1_000}`;
    if (isEmptyFolder) found.set(path.relative(root, place), `folder ${facts}`);
    if (entry.isFile()) found.set(path.relative(root, place), `${sha256(readFileSync(place))} ${facts}`);
  }
  return found;
}

function expectedTree({ built }: Case): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path: lakePath, type, mtime, executable } of built.entries) {
    const mode = type === 'directory' || executable === true ? '755' : '644';
    const content = Buffer.from(built.tree[lakePath] ?? '');
    found.set(lakePath, `${type === 'directory' ? 'folder' : sha256(content)} ${mode} ${mtime}`);
  }
  return found;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sorted(tree: Map<string, string>): [string, string][] {
  return [...tree].sort(([a], [b]) => (a < b ? -1 : 1));
}

function composedWhereLong(tree: Map<string, string>): [string, string][] {
  const name = (path: string): string => (Buffer.byteLength(path) > 60 ? path.normalize('NFC') : path);
  return sorted(new Map([...tree].map(([path, facts]) => [name(path), facts])));
}

describe.skipIf(!HAS_ZSTD)('stock programs (skipped where zstd is absent)', () => {
  describe.each(Object.keys(UNPACK))('%s', (way) => {
    const names = Object.keys(TREES);
    // bsdtar composes what a PAX record says in UTF-8, so only names that ustar has no room for (libarchive 3.6).
    const named = way.startsWith('bsdtar') ? composedWhereLong : sorted;

    test.skipIf(!has(programOf(way))).each(names)(
      'restores the tree "%s" (skipped where the program is absent)',
      (name) => {
        const bag = unpack(name, way);
        expect(named(diskTree(path.join(bag, 'data')))).toEqual(named(expectedTree(cases.get(name)!)));
        rmSync(path.dirname(bag), { recursive: true });
      },
    );
  });

  test.each(Object.keys(TREES))('zstd -t and zstd -lv are content with "%s"', (name) => {
    const { file, built } = cases.get(name)!;
    expect(run('zstd -q -t "$1"', file).status).toBe(0);
    const listing = run('zstd -lv "$1"', file);
    expect(listing.status).toBe(0);
    expect(/Decompressed Size: .*\((\d+) B\)/.exec(listing.stdout)?.[1]).toBe(String(built.facts.tarBytes));
  });

  test('one file comes out of the stored bytes that its entry names', () => {
    const { file, built } = cases.get('sizes')!;
    for (const { offset, length, skip } of built.entries.slice(-1).map(({ stored }) => stored)) {
      const entry = built.entries.at(-1)!;
      const script =
        'tail -c +$(($2 + 1)) "$1" | head -c "$3" | zstd -dc | tail -c +$(($4 + 1)) | head -c "$5" | sha256sum';
      const args = [offset, length, skip, entry.bytes].map(String);
      expect(run(script, file, ...args).stdout).toBe(`${entry.sha256}  -\n`);
    }
  });
});

describe.skipIf(!HAS_ZSTD)('the bag that comes out (skipped where zstd is absent)', () => {
  test.each(Object.keys(TREES))('"%s" is valid by RFC 8493', (name) => {
    expect(bagFaults(unpack(name))).toEqual([]);
  });

  test.each(Object.keys(TREES))('"%s" has checksums that sha256sum -c accepts', (name) => {
    const bag = unpack(name);
    const isEscaped = name === 'escaped';
    const tags = readdirSync(path.join(bag, 'lakepack')).sort();
    expect(tags).toEqual(['export.json', 'files.jsonl', ...(isEscaped ? ['sha256sums.txt'] : [])]);
    const sums = isEscaped ? 'lakepack/sha256sums.txt' : 'manifest-sha256.txt';
    const lines = readFileSync(path.join(bag, sums), 'utf8');
    const files = Object.values(TREES[name]![0]).filter((content) => content !== null).length;
    const advice = `sha256sum -c ${sums}`;
    expect(readFileSync(path.join(bag, 'RESTORE.md'), 'utf8').includes(`&& ${advice}`)).toBe(files > 0);
    if (files === 0) expect(lines).toBe('');
    else {
      const result = run('cd "$1" && sha256sum --strict -c "$2"', bag, sums);
      expect(result.status).toBe(0);
      expect(result.stdout.match(/: OK$/gm)).toHaveLength(files);
    }
    expect(run('cd "$1" && sha256sum --strict -c tagmanifest-sha256.txt', bag).status).toBe(0);
  });

  test('its checksum file is what sha256sum itself prints', () => {
    const bag = unpack('escaped');
    const paths = Object.keys(ESCAPED).map((lakePath) => `data/${lakePath}`);
    const printed = run('cd "$1" && shift && sha256sum -- "$@"', bag, ...paths).stdout;
    const lines = readFileSync(path.join(bag, 'lakepack/sha256sums.txt'), 'utf8');
    expect(lines.split('\n').sort()).toEqual(printed.split('\n').sort());
  });

  test('it restores into a lake as RESTORE.md says', () => {
    const lake = mkdtempSync(path.join(folder, 'lake-'));
    expect(run('cp -a "$1/data/." "$2"', unpack('odd'), lake).status).toBe(0);
    expect(sorted(diskTree(lake))).toEqual(sorted(expectedTree(cases.get('odd')!)));
  });
});

describe.skipIf(!HAS_ZSTD)('the validator itself finds (skipped where zstd is absent)', () => {
  const x = 'data/silver/x';
  test.each<readonly [string, (bag: string) => void, RegExp]>([
    ['a changed file', (bag) => appendFileSync(path.join(bag, x, '#comment'), '!'), /wrong checksum.*#comment/],
    ['a missing file', (bag) => rmSync(path.join(bag, x, '~home')), /no such file.*~home/],
    ['another file', (bag) => writeFileSync(path.join(bag, x, 'more'), ''), /does not list.*more/],
    ['a renamed file', (bag) => renameSync(path.join(bag, x, '--'), path.join(bag, x, '---')), /does not list.*---/],
    ['another tag file', (bag) => writeFileSync(path.join(bag, 'note.txt'), ''), /does not list.*note/],
    ['a changed tag file', (bag) => appendFileSync(path.join(bag, 'RESTORE.md'), ' '), /wrong checksum.*RESTORE/],
    ['no declaration', (bag) => rmSync(path.join(bag, 'bagit.txt')), /no bagit\.txt/],
    ['a byte order mark', (bag) => prepend(path.join(bag, 'bagit.txt'), '\ufeff'), /bagit\.txt is/],
    ['a line without an end', (bag) => appendFileSync(path.join(bag, 'manifest-sha256.txt'), 'x'), /has no end/],
    ['a wrong Payload-Oxum', (bag) => prepend(path.join(bag, 'bag-info.txt'), 'Payload-Oxum: 1.1\n'), /stands twice/],
    ['a fetch.txt', (bag) => writeFileSync(path.join(bag, 'fetch.txt'), ''), /fetch\.txt/],
    [
      'a wrong encoding',
      (bag) => prepend(path.join(bag, 'manifest-sha256.txt'), `${'0'.repeat(64)}  data/%20\n`),
      /wrongly encoded/,
    ],
  ])('%s', (_name, damage, expected) => {
    const bag = unpack('odd');
    damage(bag);
    expect(bagFaults(bag).join('\n')).toMatch(expected);
  });

  function prepend(file: string, text: string): void {
    writeFileSync(file, text + readFileSync(file, 'utf8'));
  }
});

test('the bundles are named as exports name them', () => {
  expect(cases.get('large')!.built.facts.name).toBe(`${EXPORT_ID}-00002.tar.zst`);
});
