/** Every oddity of `make_messy_lake.py`, one by one, against the table of docs/decisions/0010-file-policy.md. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/base/findings.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import type { UnsupportedPolicy } from '../../src/lake/file-policy.js';
import { entriesOf, hasShared, makeFolder, scan, sharedData } from './tree.js';

interface Oddity {
  readonly path?: string;
  readonly path_b64?: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'hardlink' | 'fifo' | 'socket';
  readonly note: string;
}

const isPossible = hasShared('make_messy_lake.py') && spawnSync('python3', ['--version']).status === 0;
const reason = isPossible ? '' : ' (skipped: needs python3 and ../shared/data/make_messy_lake.py)';

/** Packed exactly, with this warning. */
const WARNED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'names/new\nline.json',
      'names/tab\t.json',
      'names/quote"\'.json',
      'names/back\\slash.json',
      'names/trailing dot.',
      'names/trailing space ',
      'names/con.json',
      'names/a:b.json',
      'names/star*?.json',
      'names/...',
    ].map((name) => [name, 'SOURCE_NAME_NOT_PORTABLE']),
  ),
  'names/Case.json': 'SOURCE_NAME_TWINS',
  ['names/' + 'café.csv'.normalize('NFD')]: 'SOURCE_NAME_TWINS',
};

const LEFT_OUT: Readonly<Record<string, string>> = {
  symlink: 'SOURCE_SYMLINK',
  fifo: 'SOURCE_SPECIAL_FILE',
  socket: 'SOURCE_SPECIAL_FILE',
};

describe.skipIf(!isPossible)(`a messy lake${reason}`, () => {
  let root = '';
  let oddities: readonly Oddity[] = [];
  let entries = new Map<string, SourceEntry>();
  let findings: readonly Finding[] = [];

  beforeAll(async () => {
    root = path.join(makeFolder(), 'lake');
    execFileSync('python3', [path.join(sharedData, 'make_messy_lake.py'), root]);
    oddities = JSON.parse(fs.readFileSync(`${root}.expected.json`, 'utf8')) as Oddity[];
    ({ entries, findings } = await scanAll('default'));
  });

  async function scanAll(
    unsupported: UnsupportedPolicy,
  ): Promise<{ entries: Map<string, SourceEntry>; findings: Finding[] }> {
    const result = await scan(root, { by: 'lake', unsupported });
    const [selection] = result.selections;
    if (selection === undefined) throw new Error('the scan found no lake');
    const found = await entriesOf(selection.entries);
    result.dispose();
    return {
      entries: new Map(found.map((entry) => [entry.path, entry])),
      findings: [...selection.findings, ...result.findings],
    };
  }

  function codesAt(one: string): string[] {
    return findings.filter(({ where }) => where.path === one).map(({ code, severity }) => `${severity} ${code}`);
  }

  test('has 68 oddities or more', () => expect(oddities.length).toBeGreaterThanOrEqual(68));

  test('is packed exactly where its things are files, with a warning where a name is odd', () => {
    for (const oddity of oddities.filter(
      ({ kind, path_b64 }) => ['file', 'hardlink'].includes(kind) && path_b64 === undefined,
    )) {
      const name = oddity.path ?? '';
      const stats = fs.lstatSync(path.join(root, name), { bigint: true });
      expect(entries.get(name), oddity.note).toEqual({
        path: name,
        type: 'file',
        bytes: Number(stats.size),
        mtimeNs: stats.mtimeNs,
        executable: (stats.mode & 0o111n) !== 0n,
      });
      const expected = WARNED[name];
      expect(codesAt(name), name).toEqual(expected === undefined ? [] : [`warning ${expected}`]);
    }
  });

  test('keeps its empty folder', () => {
    expect(entries.get('empty/dir/tree')).toMatchObject({ type: 'directory', bytes: 0 });
    expect([...entries.values()].filter(({ type }) => type === 'directory')).toHaveLength(1);
  });

  test('has its links, fifo and socket left out, with a warning', () => {
    const special = oddities.filter(({ kind }) => kind in LEFT_OUT);
    expect(special.length).toBeGreaterThanOrEqual(8);
    for (const { path: name = '', kind } of special) {
      expect(entries.has(name), name).toBe(false);
      expect(codesAt(name), name).toEqual([`warning ${LEFT_OUT[kind] ?? ''}`]);
    }
  });

  test('has its names that are not UTF-8 left out, with an error that shows their bytes', () => {
    expect(oddities.filter(({ path_b64 }) => path_b64 !== undefined)).toHaveLength(2);
    expect(codesAt('names/latin1-\\xe9.csv')).toEqual(['error SOURCE_NAME_NOT_UTF8']);
    expect(codesAt('names/bad-\\xff\\xfe.bin')).toEqual(['error SOURCE_NAME_NOT_UTF8']);
  });

  test('is packed to the last file, and nothing is found that is not listed here', () => {
    const files = oddities.filter(
      ({ kind, path_b64 }) => ['file', 'hardlink', 'dir'].includes(kind) && path_b64 === undefined,
    );
    expect([...entries.keys()].sort()).toEqual(files.map((oddity) => oddity.path ?? '').sort());
    const special = oddities.filter(({ kind }) => kind in LEFT_OUT);
    expect(findings).toHaveLength(Object.keys(WARNED).length + special.length + 2);
  });

  test('is refused as a whole where nothing may be left out', async () => {
    const refused = (await scanAll('refuse')).findings.filter(({ severity }) => severity === 'error');
    expect(refused).toHaveLength(oddities.filter(({ kind }) => kind in LEFT_OUT).length + 2);
  });

  test('raises no error where whatever cannot be packed may be left out', async () => {
    const skipped = await scanAll('skip');
    expect(skipped.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(skipped.findings).toHaveLength(findings.length);
    expect(skipped.entries).toEqual(entries);
  });
});
