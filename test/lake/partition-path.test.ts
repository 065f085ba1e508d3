/** What layer, dataset, partition and run a path names. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPartitionShaped, parsePartitionPath, partitionOf } from '../../src/lake/partition-path.js';

describe('the partition of a file', () => {
  test.each([
    [
      'silver/vulns/dt=2024-06-20/part-0.parquet',
      { path: 'silver/vulns/dt=2024-06-20', layer: 'silver', dataset: 'vulns', keys: { dt: '2024-06-20' } },
    ],
    [
      'silver/matches/competition=en.1/season=2018-19/part-0.parquet',
      {
        path: 'silver/matches/competition=en.1/season=2018-19',
        layer: 'silver',
        dataset: 'matches',
        keys: { competition: 'en.1', season: '2018-19' },
      },
    ],
    [
      'bronze/store/2025/03/14/run-20250314-060000/a.json.gz',
      {
        path: 'bronze/store/2025/03/14/run-20250314-060000',
        layer: 'bronze',
        dataset: 'store',
        keys: { date: '2025-03-14' },
        runId: 'run-20250314-060000',
      },
    ],
    [
      'bronze/store/2025/03/14/run-1/key=value/page=2.json.gz',
      {
        path: 'bronze/store/2025/03/14/run-1',
        layer: 'bronze',
        dataset: 'store',
        keys: { date: '2025-03-14' },
        runId: 'run-1',
      },
    ],
    [
      'bronze/store/2025/03/a.json',
      { path: 'bronze/store/2025/03', layer: 'bronze', dataset: 'store', keys: { date: '2025-03' } },
    ],
    [
      'bronze/store/2025/13/a.json',
      { path: 'bronze/store/2025', layer: 'bronze', dataset: 'store', keys: { date: '2025' } },
    ],
    [
      'bronze/store/2025/03/32/a.json',
      { path: 'bronze/store/2025/03', layer: 'bronze', dataset: 'store', keys: { date: '2025-03' } },
    ],
    ['bronze/store/1899/03/a.json', { path: 'bronze/store', layer: 'bronze', dataset: 'store', keys: {} }],
    ['bronze/store/2200/a.json', { path: 'bronze/store', layer: 'bronze', dataset: 'store', keys: {} }],
    [
      'gold/marts/finance/dt=2024-01-01/a.parquet',
      { path: 'gold/marts/finance/dt=2024-01-01', layer: 'gold', dataset: 'marts/finance', keys: { dt: '2024-01-01' } },
    ],
    [
      'gold/marts/finance/2024/a.parquet',
      { path: 'gold/marts/finance/2024', layer: 'gold', dataset: 'marts/finance', keys: { date: '2024' } },
    ],
    ['gold/marts/finance/deep/a.parquet', { path: 'gold/marts', layer: 'gold', dataset: 'marts', keys: {} }],
    ['gold/arrays/a.npy', { path: 'gold/arrays', layer: 'gold', dataset: 'arrays', keys: {} }],
    ['sales/dt=2024-01-01/a.csv', { path: 'sales/dt=2024-01-01', dataset: 'sales', keys: { dt: '2024-01-01' } }],
    ['sales/2024/01/a.csv', { path: 'sales/2024/01', dataset: 'sales', keys: { date: '2024-01' } }],
    ['dt=2024-01-01/a.csv', { path: 'dt=2024-01-01', keys: { dt: '2024-01-01' } }],
    ['manifests/silver/vulns/dt=2024-06-20/x.json', { path: 'manifests', dataset: 'manifests', keys: {} }],
    [
      'bronze/manifests/dt=1/run-1.manifest.json',
      { path: 'bronze/manifests', layer: 'bronze', dataset: 'manifests', keys: {} },
    ],
    ['silver/_SUCCESS', { path: 'silver', layer: 'silver', keys: {} }],
    ['README.md', { path: '', keys: {} }],
    [
      'silver/m/c=UEFA%20Cup%2FA/part 0.parquet',
      { path: 'silver/m/c=UEFA%20Cup%2FA', layer: 'silver', dataset: 'm', keys: { c: 'UEFA%20Cup%2FA' } },
    ],
    [
      'silver/m/season=__HIVE_DEFAULT_PARTITION__/a',
      {
        path: 'silver/m/season=__HIVE_DEFAULT_PARTITION__',
        layer: 'silver',
        dataset: 'm',
        keys: { season: '__HIVE_DEFAULT_PARTITION__' },
      },
    ],
    ['silver/m/k=a=b/x', { path: 'silver/m/k=a=b', layer: 'silver', dataset: 'm', keys: { k: 'a=b' } }],
    ['silver/m/k=1/k=2/x', { path: 'silver/m/k=1/k=2', layer: 'silver', dataset: 'm', keys: { k: '2' } }],
    ['silver/m/dt=1/plain/dt=2/x', { path: 'silver/m/dt=1', layer: 'silver', dataset: 'm', keys: { dt: '1' } }],
  ])('%s', (file, facts) => expect(partitionOf(file)).toEqual(facts));

  test('a key named __proto__ is a key', () => {
    const { keys } = partitionOf('silver/m/__proto__=x/a');
    expect(Object.entries(keys)).toEqual([['__proto__', 'x']]);
  });
});

describe('the partition of a folder', () => {
  test('is that of a file in it', () => {
    const name = fc.constantFrom('silver', 'm', 'dt=1', '2024', '06', '20', 'run-1', 'manifests', 'exports', '=x');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 7 }), (names) => {
        expect(partitionOf([...names, 'file'].join('/'))).toEqual(parsePartitionPath(names.join('/')));
      }),
    );
  });

  test('is found again from its own path', () => {
    const name = fc.constantFrom('silver', 'm', 'dt=1', '2024', '06', '20', 'run-1', 'manifests', 'x', '=x');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 7 }), (names) => {
        const facts = parsePartitionPath(names.join('/'));
        expect(parsePartitionPath(facts.path)).toEqual(facts);
      }),
    );
  });
});

test('keys, years and runs begin a partition; months, days and other names do not', () => {
  expect(['dt=1', 'a=', '2024', 'run-1'].filter(isPartitionShaped)).toHaveLength(4);
  expect(['06', '=a', 'run-', 'running', '20240', 'x'].filter(isPartitionShaped)).toEqual([]);
});
