/** What a walk sees, in which order, and what it leaves out. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { Finding } from '../../src/base/findings.js';
import { comparePathBytes } from '../../src/base/paths.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import { readFolder, type FolderItem } from '../../src/lake/folder-listing.js';
import { walkLake, type WalkOptions } from '../../src/lake/walk.js';
import { makeFolder, makeTree } from './tree.js';

const ALL: WalkOptions = { unsupported: 'default', signal: undefined, wants: () => true, listFolder: readFolder };
const isRoot = process.getuid?.() === 0;

interface Walked {
  readonly entries: SourceEntry[];
  readonly paths: string[];
  readonly findings: Finding[];
}

async function walk(root: string, options: Partial<WalkOptions> = {}): Promise<Walked> {
  const walked: Walked = { entries: [], paths: [], findings: [] };
  for await (const item of walkLake(root, { ...ALL, ...options })) {
    if (item.type === 'finding') walked.findings.push(item.finding);
    else walked.entries.push(item.entry);
  }
  return { ...walked, paths: walked.entries.map(({ path: one, type }) => (type === 'directory' ? `${one}/` : one)) };
}

function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code, severity, where }) => `${severity} ${code} ${where.path ?? ''}`);
}

describe('the order', () => {
  test('is that of whole paths, not of names folder by folder', async () => {
    const root = makeTree({
      'a/x': '',
      'a-b/x': '',
      'a.txt': '',
      a0: '',
      'b/é': '',
      'b/z': '',
      'b/\u{10000}': '',
      'b/\uffee': '',
    });
    expect((await walk(root)).paths).toEqual(['a-b/x', 'a.txt', 'a/x', 'a0', 'b/z', 'b/é', 'b/\uffee', 'b/\u{10000}']);
  });

  test('puts an empty folder where its bare name sorts', async () => {
    const root = makeTree({ run: null, 'run-2/x': '', 'run.txt': '', 'full/x': '', 'full-2': '', end: null });
    expect((await walk(root)).paths).toEqual(['end/', 'full-2', 'full/x', 'run/', 'run-2/x', 'run.txt']);
  });

  test('is path byte order for any tree', async () => {
    const name = fc.constantFrom('a', 'a-', 'a.', 'a0', 'é', 'ab', 'B', ' ', 'a!');
    const file = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 12 }), fc.boolean(), async (files, isEmpty) => {
        const root = makeFolder();
        for (const one of files) {
          try {
            if (isEmpty) fs.mkdirSync(path.join(root, one), { recursive: true });
            else makeTree({ [one]: '' }, root);
          } catch {
            // A file stands where this one needs a folder: the tree is as good without it.
          }
        }
        const found = (await walk(root)).entries.map((entry) => entry.path);
        expect(found).toEqual([...found].sort(comparePathBytes));
        const disk = execFileSync('find', [
          root,
          '-mindepth',
          '1',
          '(',
          '-type',
          'f',
          '-o',
          '-empty',
          ')',
          '-printf',
          '%P\n',
        ]);
        expect(found.length).toBe(disk.toString().split('\n').length - 1);
      }),
      { numRuns: 40 },
    );
  });

  test('does not depend on the order in which the disk lists', async () => {
    const root = makeTree({
      'a/x': '',
      'a-b/x': '',
      'c/d/e': '',
      'c/D/e': '',
      f: null,
      'g:h': '',
      'l1/x': { link: 'y' },
    });
    const backwards = (folder: string): FolderItem[] => [...readFolder(folder)].reverse();
    expect(await walk(root, { listFolder: backwards })).toEqual(await walk(root));
  });
});

describe('an entry', () => {
  test('has size, mtime in nanoseconds and the executable bit', async () => {
    const root = makeTree({ 'run.sh': 'echo', 'a.txt': 'abc' });
    fs.chmodSync(path.join(root, 'run.sh'), 0o750);
    execFileSync('touch', ['-d', '2023-11-14T22:13:20.123456789Z', path.join(root, 'a.txt')]);
    const { entries } = await walk(root);
    expect(entries[0]).toEqual({
      path: 'a.txt',
      type: 'file',
      bytes: 3,
      mtimeNs: 1_700_000_000_123_456_789n,
      executable: false,
    });
    expect(entries[1]).toMatchObject({ path: 'run.sh', bytes: 4, executable: true });
  });

  test('of a hard link is an ordinary file', async () => {
    const root = makeTree({ a: 'abc' });
    fs.linkSync(path.join(root, 'a'), path.join(root, 'b'));
    expect((await walk(root)).entries.map(({ path: one, bytes }) => [one, bytes])).toEqual([
      ['a', 3],
      ['b', 3],
    ]);
  });
});

describe('left out', () => {
  test('are links, and they are not followed', async () => {
    const root = makeTree({
      'd/x': '',
      loop: { link: '.' },
      up: { link: '..' },
      gone: { link: 'nowhere' },
      abs: { link: '/etc/passwd' },
    });
    const { paths, findings } = await walk(root);
    expect(paths).toEqual(['d/x']);
    expect(codesOf(findings)).toEqual(['abs', 'gone', 'loop', 'up'].map((name) => `warning SOURCE_SYMLINK ${name}`));
  });

  test('are fifos, which are never opened', async () => {
    const root = makeTree({});
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    expect(codesOf((await walk(root)).findings)).toEqual(['warning SOURCE_SPECIAL_FILE pipe']);
    expect(codesOf((await walk(root, { unsupported: 'refuse' })).findings)).toEqual(['error SOURCE_SPECIAL_FILE pipe']);
  });

  test('are names that are not UTF-8, files and folders', async () => {
    const root = makeTree({ ok: '' });
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/latin-`), Buffer.from([0xe9])]), '');
    fs.mkdirSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]));
    const { paths, findings } = await walk(root);
    expect(paths).toEqual(['ok']);
    expect(codesOf(findings)).toEqual(['error SOURCE_NAME_NOT_UTF8 \\xff', 'error SOURCE_NAME_NOT_UTF8 latin-\\xe9']);
    expect((await walk(root, { unsupported: 'skip' })).findings.map(({ severity }) => severity)).toEqual([
      'warning',
      'warning',
    ]);
  });

  test('are paths that no bundle may hold', async () => {
    const long = Array.from({ length: 16 }, () => 'd'.repeat(250)).join('/');
    const root = makeFolder();
    let folder = root;
    for (const name of long.split('/').slice(0, 14)) fs.mkdirSync((folder = path.join(folder, name)));
    makeTree({ 'a\\..\\b': '', 'c:x': '', 'C:/y': '' }, root);
    execFileSync('sh', ['-c', 'mkdir -p "$1/$1" && touch "$1/$1/f"', 'sh', 'd'.repeat(250)], { cwd: folder });
    const { paths, findings } = await walk(root);
    expect(paths).toEqual(['c:x']);
    expect(findings.map(({ code, severity }) => `${severity} ${code}`).sort()).toEqual([
      'error SOURCE_NAME_NOT_PORTABLE',
      'error SOURCE_NAME_NOT_PORTABLE',
      'error SOURCE_PATH_TOO_LONG',
      'warning SOURCE_NAME_NOT_PORTABLE',
    ]);
  });

  test.skipIf(isRoot)('are folders that cannot be read (skipped: root reads everything)', async () => {
    const root = makeTree({ 'closed/x': '', 'open/x': '' });
    fs.chmodSync(path.join(root, 'closed'), 0);
    const { paths, findings } = await walk(root);
    fs.chmodSync(path.join(root, 'closed'), 0o700);
    expect(paths).toEqual(['open/x']);
    expect(codesOf(findings)).toEqual(['error SOURCE_UNREADABLE closed']);
  });

  test('are folders whose listing fails', async () => {
    const root = makeTree({ 'closed/x': '', 'open/x': '' });
    const { paths, findings } = await walk(root, { listFolder: failing(root, 'closed', 'EACCES') });
    expect(paths).toEqual(['open/x']);
    expect(codesOf(findings)).toEqual(['error SOURCE_UNREADABLE closed']);
  });

  test('is what lakepack wrote, but not what others wrote beside it', async () => {
    const id = '20250314T060000Z-0123abcd';
    const root = makeTree({
      [`exports/silver/${id}/${id}-00001.tar.zst`]: '',
      [`exports/silver/${id}/SHA256SUMS`]: '',
      'exports/football.tar.zst': '',
      'exports/silver/left/over': null,
      [`manifests/silver/${id}.export.json`]: '',
      'manifests/silver/vulns.manifest.json': '',
      '.lakepack/journal/x': '',
      drills: null,
    });
    expect((await walk(root)).paths).toEqual(['exports/football.tar.zst', 'manifests/silver/vulns.manifest.json']);
  });
});

describe('a thing that changes while the walk goes on', () => {
  test('and vanishes was never there', async () => {
    const root = makeTree({ 'a/x': '', b: '' });
    expect((await walk(root, { listFolder: failing(root, 'a', 'ENOENT') })).paths).toEqual(['b']);
    const ghost = { name: 'ghost', isFolder: false };
    const { paths, findings } = await walk(root, { listFolder: (folder) => [...readFolder(folder), ghost] });
    expect([paths, findings]).toEqual([['a/x', 'b'], []]);
  });

  test('and becomes a folder is an error', async () => {
    const root = makeTree({ 'a/x': '' });
    const asFile = (folder: string): FolderItem[] =>
      [...readFolder(folder)].map(({ name }) => ({ name, isFolder: false }));
    expect(codesOf((await walk(root, { listFolder: asFile })).findings)).toEqual(['error SOURCE_CHANGED a']);
  });
});

describe('a walk', () => {
  test('enters only what is wanted, and says nothing of the rest', async () => {
    const root = makeTree({ 'a/x': '', 'a/con': '', 'b/x': '', 'b/con': '', link: { link: 'b' } });
    const listed: string[] = [];
    const { paths, findings } = await walk(root, {
      wants: (one) => one.startsWith('a'),
      listFolder: (folder) => {
        listed.push(path.relative(root, folder));
        return readFolder(folder);
      },
    });
    expect(paths).toEqual(['a/con', 'a/x']);
    expect(codesOf(findings)).toEqual(['warning SOURCE_NAME_NOT_PORTABLE a/con']);
    expect(listed).toEqual(['', 'a']);
  });

  test('of an empty lake finds nothing', async () => {
    expect(await walk(makeFolder())).toEqual({ entries: [], paths: [], findings: [] });
  });

  test('follows the root itself where that is a link', async () => {
    const root = makeTree({ 'real/x': '', lake: { link: 'real' } });
    expect((await walk(path.join(root, 'lake'))).paths).toEqual(['x']);
  });

  test('of a folder that is not there, or a file, is an error', async () => {
    const root = makeTree({ file: '' });
    await expect(walk(path.join(root, 'gone'))).rejects.toSatisfy((error) => isLakepackError(error, 'NOT_FOUND'));
    await expect(walk(path.join(root, 'file'))).rejects.toSatisfy((error) => isLakepackError(error, 'LAKE_UNREADABLE'));
  });

  test('stops when it is told to', async () => {
    const root = makeTree(Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`f${at}`, ''])));
    const abort = new AbortController();
    let seen = 0;
    const walking = (async () => {
      for await (const item of walkLake(root, { ...ALL, signal: abort.signal })) {
        if (item.type === 'entry' && ++seen === 10) abort.abort();
      }
    })();
    await expect(walking).rejects.toSatisfy((error) => isLakepackError(error, 'INTERRUPTED'));
    expect(seen).toBeLessThan(1_000);
  });
});

/** Lists as this disk does, but for one folder. */
function failing(root: string, folder: string, code: string): (diskPath: string) => Iterable<FolderItem> {
  return (diskPath) => {
    if (diskPath === path.join(root, folder)) throw Object.assign(new Error(code), { code });
    return readFolder(diskPath);
  };
}
