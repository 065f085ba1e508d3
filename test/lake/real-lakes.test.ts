/** The two real lakes of the shared data, where they are present. */
import { describe, expect, test } from 'vitest';
import { indexRunManifests } from '../../src/lake/run-manifests.js';
import { SELECT_ALL } from '../../src/lake/select.js';
import { hasShared, scan, scanTree, unpackNames, unpackShared } from './tree.js';

const isMini = hasShared('lake-mini.tar.zst');
const isReal = hasShared('lake-real.tar.zst');

describe.skipIf(!isMini)(`lake-mini${isMini ? '' : ' (skipped: ../shared/data is not here)'}`, () => {
  test('is split into its partitions, each described by its run manifests', async () => {
    const root = unpackShared('lake-mini');
    const groups = await scanTree(root);
    expect(Object.keys(groups)).toHaveLength(34);
    expect(Object.values(groups).flat()).toHaveLength(227);
    const index = await indexRunManifests(root);
    const bare = Object.keys(groups).filter((exportPath) => index.describing(exportPath).manifests.length === 0);
    expect(bare).toEqual(['exports/_files', 'manifests']);
  });

  test('has its runs found by folders and by what run manifests list', async () => {
    const root = unpackShared('lake-mini');
    expect(await scanTree(root, { select: { ...SELECT_ALL, run: 'run-20240625-gold' } })).toEqual({
      'runs/run-20240625-gold': [
        'gold/embeddings/partition=20240625/vuln.parquet',
        'gold/manifests/run-20240625-gold.manifest.json',
      ],
    });
    const runs = await scanTree(root, { by: 'run' });
    expect(Object.keys(runs).filter((exportPath) => exportPath.startsWith('runs/'))).toHaveLength(14);
    expect(runs['runs/run-20240620-171358']).toHaveLength(46);
  });
});

describe.skipIf(!isReal)(`lake-real${isReal ? '' : ' (skipped: ../shared/data is not here)'}`, () => {
  test('less its largest datasets, is split the same with little memory, and by dataset', async () => {
    // The whole of it, 24,922 files, is for docs/decisions/0013: making so many files takes longer than all tests here.
    const root = unpackNames('lake-real', /^(silver|gold|manifests|bronze\/football)/);
    const result = await scan(root);
    expect(result.selections.reduce((sum, { entries }) => sum + entries.files, 0)).toBe(3_215);
    expect(new Set(result.selections.map(({ facts }) => facts.dataset)).size).toBe(8);
    expect(result.findings).toEqual([]);
    const spilled = await scan(root, { maxEntriesInMemory: 100 });
    expect(spilled.selections.map((one) => one.entries.scanDigest)).toEqual(
      result.selections.map((one) => one.entries.scanDigest),
    );
    const datasets = await scan(root, { by: 'dataset' });
    expect(datasets.selections.map((one) => one.path)).toEqual([
      'bronze/football',
      'bronze/football_jsonl',
      'gold/embeddings',
      'gold/vuln_candidates',
      'manifests',
      'silver/covid_regioni',
      'silver/matches',
      'silver/vulns',
    ]);
    for (const { dispose } of [result, spilled, datasets]) dispose();
  });
});
