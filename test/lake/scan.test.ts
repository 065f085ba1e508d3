/** Which exports a lake makes, by grouping and selection. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { ProgressEvent } from '../../src/base/progress.js';
import { coversFile, factsOfExportPath } from '../../src/lake/export-path.js';
import { readFolder, type FolderItem } from '../../src/lake/folder-listing.js';
import type { ScanOptions } from '../../src/lake/scan.js';
import { SELECT_ALL, type LakeSelect } from '../../src/lake/select.js';
import { parseWhere } from '../../src/lake/where-parser.js';
import { entriesOf, makeFolder, makeTree, pathsOf, scan, scanTree, type Tree } from './tree.js';

const LAKE: Tree = {
  'README.md': '',
  'bronze/store/2025/03/14/run-1/a.json.gz': '',
  'bronze/store/2025/03/14/run-1/sub/b.json.gz': '',
  'bronze/store/2025/03/15/run-2/a.json.gz': '',
  'bronze/store/2025/03/notes.txt': '',
  'bronze/manifests/run-1.manifest.json': '{"runId":"run-1"}',
  'silver/_SUCCESS': '',
  'silver/vulns/dt=2024-06-20/p.parquet': '',
  'silver/vulns/dt=2024-06-21/p.parquet': '',
  'silver/vulns/dt=2024-06-22': null,
  'gold/marts/readme.md': '',
  'gold/marts/plain/x.csv': '',
  'gold/marts/finance/dt=1/x.parquet': '',
  'gold/arrays/x.npy': '',
  'sales/2024/a.csv': '',
  'sales/eu/2024/a.csv': '',
  'manifests/silver/vulns/dt=2024-06-20.manifest.json': '{}',
  'exports/football.tar.zst': '',
};

function select(some: Partial<LakeSelect>): Partial<ScanOptions> {
  return { select: { ...SELECT_ALL, ...some } };
}

describe('the exports of a lake', () => {
  test('by partition', async () => {
    expect(await scanTree(makeTree(LAKE))).toEqual({
      _files: ['README.md'],
      'bronze/manifests': ['bronze/manifests/run-1.manifest.json'],
      'bronze/store/2025/03/14/run-1': [
        'bronze/store/2025/03/14/run-1/a.json.gz',
        'bronze/store/2025/03/14/run-1/sub/b.json.gz',
      ],
      'bronze/store/2025/03/15/run-2': ['bronze/store/2025/03/15/run-2/a.json.gz'],
      'bronze/store/2025/03/_files': ['bronze/store/2025/03/notes.txt'],
      'exports/_files': ['exports/football.tar.zst'],
      'gold/arrays': ['gold/arrays/x.npy'],
      'gold/marts/_files': ['gold/marts/plain/x.csv', 'gold/marts/readme.md'],
      'gold/marts/finance/dt=1': ['gold/marts/finance/dt=1/x.parquet'],
      manifests: ['manifests/silver/vulns/dt=2024-06-20.manifest.json'],
      'sales/2024': ['sales/2024/a.csv'],
      'sales/eu/2024': ['sales/eu/2024/a.csv'],
      'silver/_files': ['silver/_SUCCESS'],
      'silver/vulns/dt=2024-06-20': ['silver/vulns/dt=2024-06-20/p.parquet'],
      'silver/vulns/dt=2024-06-21': ['silver/vulns/dt=2024-06-21/p.parquet'],
      'silver/vulns/dt=2024-06-22': ['silver/vulns/dt=2024-06-22/'],
    });
  });

  test('by dataset, where one inside another goes with the outer', async () => {
    const groups = await scanTree(makeTree(LAKE), { by: 'dataset' });
    expect(Object.keys(groups)).toEqual([
      '_files',
      'bronze/manifests',
      'bronze/store',
      'exports/_files',
      'gold/arrays',
      'gold/marts',
      'manifests',
      'sales',
      'silver/_files',
      'silver/vulns',
    ]);
    expect(groups.sales).toEqual(['sales/2024/a.csv', 'sales/eu/2024/a.csv']);
    expect(groups['gold/marts']).toHaveLength(3);
  });

  test('by layer, and all in one', async () => {
    const root = makeTree(LAKE);
    const layers = await scanTree(root, { by: 'layer' });
    expect(Object.keys(layers)).toEqual(['_files', 'bronze', 'exports', 'gold', 'manifests', 'sales', 'silver']);
    const lake = await scanTree(root, { by: 'lake' });
    expect(Object.keys(lake)).toEqual(['lake']);
    expect(lake.lake).toEqual(Object.values(layers).flat().sort());
  });

  test.each(['partition', 'dataset', 'layer', 'lake', 'run'] as const)(
    'by %s have each file exactly once, and cover what they have and nothing of another',
    async (by) => {
      const name = fc.constantFrom(
        'silver',
        'm',
        'dt=1',
        'dt=2',
        '2024',
        '06',
        'run-1',
        'manifests',
        'runs',
        'lake',
        '_files',
        'x',
      );
      const file = fc.array(name, { maxLength: 5 }).map((names) => [...names, 'file.bin'].join('/'));
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(file, { minLength: 1, maxLength: 10 }), async (files) => {
          const groups = await scanTree(makeTree(Object.fromEntries(files.map((one) => [one, '']))), { by });
          expect(Object.values(groups).flat().sort()).toEqual([...files].sort());
          for (const [exportPath, own] of Object.entries(groups)) {
            if (exportPath.startsWith('runs/')) continue;
            expect(files.filter((one) => coversFile(exportPath, one)).sort()).toEqual([...own].sort());
          }
        }),
        { numRuns: 40 },
      );
    },
  );

  test('have facts, which their path alone would give', async () => {
    const result = await scan(makeTree(LAKE));
    for (const { path: one, facts, by } of result.selections) {
      expect(facts).toEqual(factsOfExportPath(one));
      expect(by).toBe('partition');
    }
    result.dispose();
  });

  test('are the same, digests too, for any order of listing and any memory', async () => {
    const root = makeTree(LAKE);
    const backwards = (folder: string): FolderItem[] => [...readFolder(folder)].reverse();
    const digests = async (options: Partial<ScanOptions>): Promise<string[]> => {
      const result = await scan(root, options);
      return result.selections.map(({ path: one, entries }) => `${one} ${entries.scanDigest}`);
    };
    const expected = await digests({});
    expect(await digests({ listFolder: backwards })).toEqual(expected);
    expect(await digests({ maxEntriesInMemory: 2 })).toEqual(expected);
    fs.writeFileSync(path.join(root, 'gold/arrays/x.npy'), 'x');
    const after = await digests({});
    expect(after.filter((one) => !expected.includes(one)).map((one) => one.split(' ')[0])).toEqual(['gold/arrays']);
  });
});

describe('a selection', () => {
  test.each<[string, Partial<LakeSelect>, string[]]>([
    ['a partition', { partitions: ['silver/vulns/dt=2024-06-20'] }, ['silver/vulns/dt=2024-06-20']],
    [
      'a folder above partitions',
      { partitions: ['bronze/store/2025/'] },
      ['bronze/store/2025/03/14/run-1', 'bronze/store/2025/03/15/run-2', 'bronze/store/2025/03/_files'],
    ],
    ['loose files', { partitions: ['gold/marts/_files', '_files'] }, ['_files', 'gold/marts/_files']],
    ['several', { partitions: ['sales/2024', 'gold/arrays'] }, ['gold/arrays', 'sales/2024']],
    ['a layer', { layers: ['gold'] }, ['gold/arrays', 'gold/marts/_files', 'gold/marts/finance/dt=1']],
    [
      'a dataset',
      { datasets: ['vulns'] },
      ['silver/vulns/dt=2024-06-20', 'silver/vulns/dt=2024-06-21', 'silver/vulns/dt=2024-06-22'],
    ],
    ['a dataset with its layer', { datasets: ['gold/arrays'] }, ['gold/arrays']],
    ['a dataset of two names', { datasets: ['marts/finance'] }, ['gold/marts/finance/dt=1']],
    ['a dataset without a layer', { datasets: ['sales'] }, ['sales/2024']],
    [
      'a layer and a dataset',
      { layers: ['bronze', 'silver'], datasets: ['store', 'arrays'] },
      ['bronze/store/2025/03/14/run-1', 'bronze/store/2025/03/15/run-2', 'bronze/store/2025/03/_files'],
    ],
    [
      'an expression',
      { where: parseWhere('dt > 2024-06-20 and layer = silver') },
      ['silver/vulns/dt=2024-06-21', 'silver/vulns/dt=2024-06-22'],
    ],
    ['nothing that is there', { partitions: ['silver/gone'] }, []],
  ])('takes %s', async (_, some, expected) => {
    expect(Object.keys(await scanTree(makeTree(LAKE), select(some)))).toEqual(expected);
  });

  test('since an instant takes exports whose newest change is at it or later', async () => {
    const root = makeTree(LAKE);
    fs.utimesSync(path.join(root, 'gold/arrays/x.npy'), 1_800_000_000, 1_800_000_000);
    const since = (seconds: number): Partial<ScanOptions> =>
      select({ since: new Date(seconds * 1_000), layers: ['gold'] });
    expect(Object.keys(await scanTree(root, since(1_800_000_000)))).toEqual(['gold/arrays']);
    expect(Object.keys(await scanTree(root, since(1_800_000_001)))).toEqual([]);
    expect(Object.keys(await scanTree(root, since(1_717_200_000)))).toHaveLength(3);
  });

  test('walks only where what is selected can be', async () => {
    const root = makeTree(LAKE);
    const listed = async (some: Partial<LakeSelect>): Promise<string[]> => {
      const folders: string[] = [];
      const listFolder = (folder: string): Iterable<FolderItem> => {
        folders.push(path.relative(root, folder));
        return readFolder(folder);
      };
      await scanTree(root, { ...select(some), listFolder });
      return folders;
    };
    expect(await listed({ partitions: ['silver/vulns/dt=2024-06-20'] })).toEqual([
      '',
      'silver',
      'silver/vulns',
      'silver/vulns/dt=2024-06-20',
    ]);
    expect(await listed({ layers: ['gold'] })).not.toContain('silver');
    expect(await listed({ datasets: ['vulns'] })).not.toContain('gold/marts');
  });

  test('of a part of an export is refused, and says of which', async () => {
    const root = makeTree(LAKE);
    for (const [some, by, code] of [
      [{ partitions: ['gold/marts/plain'] }, 'partition', 'SELECTOR_INVALID'],
      [{ partitions: ['silver/vulns/dt=2024-06-20'] }, 'dataset', 'SELECTOR_INVALID'],
      [{ partitions: ['silver/vulns'] }, 'layer', 'SELECTOR_INVALID'],
      [{ partitions: ['../x'] }, 'partition', 'SELECTOR_INVALID'],
      [{ layers: ['silver'] }, 'lake', 'USAGE'],
      [{ datasets: ['vulns'] }, 'layer', 'USAGE'],
      [{ where: parseWhere('dt = 1') }, 'dataset', 'USAGE'],
      [{ run: 'run-1' }, 'dataset', 'USAGE'],
      [{ run: 'run-1', layers: ['silver'] }, 'partition', 'USAGE'],
      [{ run: '../x' }, 'partition', 'SELECTOR_INVALID'],
    ] as const) {
      await expect(scan(root, { ...select(some), by }), JSON.stringify(some)).rejects.toSatisfy((error) =>
        isLakepackError(error, code),
      );
    }
  });

  test('by dataset and by layer takes whole exports', async () => {
    const root = makeTree(LAKE);
    expect(Object.keys(await scanTree(root, { ...select({ partitions: ['silver/vulns'] }), by: 'dataset' }))).toEqual([
      'silver/vulns',
    ]);
    expect(
      Object.keys(await scanTree(root, { ...select({ where: parseWhere('dataset = marts') }), by: 'dataset' })),
    ).toEqual(['gold/marts']);
    expect(Object.keys(await scanTree(root, { ...select({ layers: ['silver'] }), by: 'layer' }))).toEqual(['silver']);
  });
});

describe('runs', () => {
  const RUNS: Tree = {
    'bronze/store/2025/03/14/run-1/a.json.gz': '',
    'bronze/reviews/2025/03/14/run-1/b.json.gz': '',
    'bronze/store/2025/03/14/run-10/a.json.gz': '',
    'bronze/manifests/run-1.manifest.json':
      '{"runId":"run-1","artifacts":{"bytes":"12","dir":"bronze/store/2025/03/14/run-1"}}',
    'gold/manifests/nightly.manifest.json':
      '{"runId":"run-1","artifacts":{"embeddings":"gold/embeddings/partition=1/","layer":"silver"}}',
    'gold/embeddings/partition=1/a.parquet': '',
    'gold/embeddings/partition=1/deep/b.parquet': '',
    'gold/embeddings/partition=10/a.parquet': '',
    'manifests/silver/vulns/dt=1.manifest.json':
      '{"dataset":"silver/vulns","partition":"dt=1","runId":"run-1","files":[{"path":"silver/vulns/dt=1/a"},{"path":"../../etc/passwd"},{"rows":1}]}',
    'silver/vulns/dt=1/a': '',
    'silver/vulns/dt=1/b': '',
    'broken/manifests/run-2.manifest.json': '{"runId":',
  };

  test('one run is one export of all that belongs to it', async () => {
    expect(await scanTree(makeTree(RUNS), select({ run: 'run-1' }))).toEqual({
      'runs/run-1': [
        'bronze/manifests/run-1.manifest.json',
        'bronze/reviews/2025/03/14/run-1/b.json.gz',
        'bronze/store/2025/03/14/run-1/a.json.gz',
        'gold/embeddings/partition=1/a.parquet',
        'gold/embeddings/partition=1/deep/b.parquet',
        'gold/manifests/nightly.manifest.json',
        'manifests/silver/vulns/dt=1.manifest.json',
        'silver/vulns/dt=1/a',
      ],
    });
  });

  test('a run that is not there gives no export', async () => {
    expect(await scanTree(makeTree(RUNS), select({ run: 'run-7' }))).toEqual({});
  });

  test('by run, the rest goes by partition', async () => {
    const groups = await scanTree(makeTree(RUNS), { by: 'run' });
    expect(Object.keys(groups)).toEqual([
      'gold/embeddings/partition=10',
      'runs/run-1',
      'runs/run-10',
      'runs/run-2',
      'silver/vulns/dt=1/_rest',
    ]);
    // Not `silver/vulns/dt=1`: that would say that it holds the run's file too.
    expect(groups['silver/vulns/dt=1/_rest']).toEqual(['silver/vulns/dt=1/b']);
    expect(groups['runs/run-2']).toEqual(['broken/manifests/run-2.manifest.json']);
  });

  test('a file that several runs list belongs to the last of them', async () => {
    const root = makeTree({
      'gold/manifests/run-1.manifest.json': '{"runId":"run-1","artifacts":{"dir":"gold/e/p=1"}}',
      'gold/manifests/run-2.manifest.json': '{"runId":"run-2","artifacts":{"dir":"gold/e/p=1"}}',
      'gold/e/p=1/a': '',
    });
    expect((await scanTree(root, { by: 'run' }))['runs/run-2']).toEqual([
      'gold/e/p=1/a',
      'gold/manifests/run-2.manifest.json',
    ]);
  });

  test('a folder that cannot be read is an error of the run, because its files may be in it', async () => {
    const root = makeTree(RUNS);
    const listFolder = (folder: string): Iterable<FolderItem> => {
      if (folder.endsWith('vulns')) throw Object.assign(new Error('closed'), { code: 'EACCES' });
      return readFolder(folder);
    };
    const { selections } = await scan(root, { ...select({ run: 'run-1' }), listFolder });
    expect(selections[0]?.findings.map(({ code }) => code)).toEqual(['SOURCE_UNREADABLE', 'SOURCE_UNREADABLE']);
  });
});

describe('findings', () => {
  const TREE: Tree = {
    'silver/vulns/dt=1/a': '',
    'silver/vulns/dt=1/link': { link: 'a' },
    'silver/vulns/latest': { link: 'dt=1' },
    'gold/x/con': '',
  };

  test('go with the export they are about, or stand alone', async () => {
    const { selections, findings } = await scan(makeTree(TREE));
    const found = Object.fromEntries(selections.map((one) => [one.path, one.findings.map(({ where }) => where.path)]));
    expect(found).toEqual({ 'gold/x': ['gold/x/con'], 'silver/vulns/dt=1': ['silver/vulns/dt=1/link'] });
    expect(findings.map(({ where }) => where.path)).toEqual(['silver/vulns/latest']);
  });

  test('of what is not selected are not told', async () => {
    const { selections, findings } = await scan(makeTree(TREE), select({ where: parseWhere('layer = gold') }));
    expect(selections.map((one) => one.path)).toEqual(['gold/x']);
    expect(findings).toEqual([]);
  });
});

describe('a scan', () => {
  test('tells how far it is', async () => {
    const root = makeTree(Object.fromEntries(Array.from({ length: 2_500 }, (_, at) => [`a/b/f${at}`, 'xy'])));
    const events: ProgressEvent[] = [];
    await scanTree(root, { onProgress: (event) => events.push(event) });
    const sums = events.map((event) => (event.type === 'advance' ? [event.files, event.bytes] : []));
    expect(sums.length).toBeGreaterThan(2);
    expect(sums.reduce((all, [files = 0]) => all + files, 0)).toBe(2_500);
    for (const [files = 0, bytes] of sums) expect(bytes).toBe(2 * files);
  });

  test('can be interrupted, and leaves nothing in its scratch folder', async () => {
    const root = makeTree(Object.fromEntries(Array.from({ length: 2_500 }, (_, at) => [`a/b/f${at}`, ''])));
    const scratchFolder = makeFolder();
    const abort = new AbortController();
    const scanning = scan(root, {
      scratchFolder,
      maxEntriesInMemory: 10,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(scanning).rejects.toSatisfy((error) => isLakepackError(error, 'INTERRUPTED'));
    expect(fs.readdirSync(scratchFolder)).toEqual([]);
  });

  test('of no lake is an error, by every grouping', async () => {
    for (const by of ['partition', 'dataset', 'run'] as const) {
      await expect(scan(path.join(makeFolder(), 'gone'), { by })).rejects.toSatisfy((error) =>
        isLakepackError(error, 'NOT_FOUND'),
      );
    }
  });

  test('of an empty lake finds nothing', async () => {
    const { selections, findings } = await scan(makeFolder(), { by: 'lake' });
    expect([selections, findings]).toEqual([[], []]);
  });

  test('gives lists that can be read more than once', async () => {
    const { selections } = await scan(makeTree(LAKE), { by: 'lake', maxEntriesInMemory: 3 });
    const list = selections[0]?.entries;
    if (list === undefined) throw new Error('no list');
    expect(await entriesOf(list)).toEqual(await entriesOf(list));
    expect((await pathsOf(list)).length).toBe(list.files + list.directories);
  });
});
