/** Where exports stand in an archive, and what they cover. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareFolders,
  coversFile,
  exportPathOf,
  factsOfExportPath,
  parseExportPath,
  partitionScope,
  type ExportScope,
} from '../../src/lake/export-path.js';
import { partitionOf } from '../../src/lake/partition-path.js';

const name = fc.constantFrom(
  'silver',
  'vulns',
  'dt=1',
  'dt=1-b',
  'runs',
  '_runs',
  'lake',
  '_lake',
  '_files',
  '__files',
  '_rest',
  'rest',
  'files',
  'manifests',
  'run-1',
  '2024',
);
const folder = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const scope: fc.Arbitrary<ExportScope> = fc.oneof(
  fc.constant({ type: 'lake' } as const),
  name.map((runId) => ({ type: 'run', runId }) as const),
  folder.map((path) => ({ type: 'folder', folder: path }) as const),
  fc.oneof(folder, fc.constant('')).map((path) => ({ type: 'files', folder: path }) as const),
  fc.oneof(folder, fc.constant('')).map((path) => ({ type: 'rest', folder: path }) as const),
);

describe('a partition path of an archive', () => {
  test('reads back as what it was made from, so that no two exports share one', () => {
    fc.assert(
      fc.property(scope, (one) => {
        expect(parseExportPath(exportPathOf(one))).toEqual(one);
      }),
    );
  });

  test.each<[ExportScope, string]>([
    [{ type: 'folder', folder: 'silver/vulns/dt=2024-06-20' }, 'silver/vulns/dt=2024-06-20'],
    [{ type: 'files', folder: 'silver' }, 'silver/_files'],
    [{ type: 'files', folder: '' }, '_files'],
    [{ type: 'run', runId: 'run-1' }, 'runs/run-1'],
    [{ type: 'rest', folder: 'silver/vulns/dt=1' }, 'silver/vulns/dt=1/_rest'],
    [{ type: 'rest', folder: '' }, '_rest'],
    [{ type: 'lake' }, 'lake'],
    [{ type: 'folder', folder: 'runs/2024' }, '_runs/2024'],
    [{ type: 'folder', folder: 'lake' }, '_lake'],
    [{ type: 'folder', folder: 'silver/_files' }, 'silver/__files'],
    [{ type: 'folder', folder: 'lake/files' }, 'lake/files'],
  ])('%o stands at %s', (one, path) => expect(exportPathOf(one)).toBe(path));
});

describe('a partition with a deeper one below it', () => {
  const found = ['gold/marts', 'gold/marts/finance/dt=1', 'gold/marts-2', 'gold', 'dt=1', 'manifests', ''].sort(
    compareFolders,
  );
  test.each([
    ['gold/marts', 'gold/marts/_files'],
    ['gold/marts-2', 'gold/marts-2'],
    ['gold/marts/finance/dt=1', 'gold/marts/finance/dt=1'],
    ['gold', 'gold/_files'],
    ['bronze', 'bronze/_files'],
    ['dt=1', 'dt=1'],
    ['manifests', 'manifests'],
    ['', '_files'],
  ])('%s is exported as %s', (path, exported) => expect(exportPathOf(partitionScope(path, found))).toBe(exported));
});

describe('what an export covers', () => {
  test.each([
    ['lake', 'anything/at/all', true],
    ['runs/run-1', 'bronze/x/run-1/a', false],
    ['silver/vulns', 'silver/vulns/dt=1/a', true],
    ['silver/vulns', 'silver/vulns-2/a', false],
    ['silver/vulns', 'silver/vulns', false],
    ['gold/marts/_files', 'gold/marts/readme.md', true],
    ['gold/marts/_files', 'gold/marts/plain/readme.md', true],
    ['gold/marts/_files', 'gold/marts/finance/dt=1/a', false],
    ['silver/vulns/dt=1/_rest', 'silver/vulns/dt=1/a', false],
    ['_files', 'README.md', true],
    ['_files', 'silver/_SUCCESS', false],
    ['_runs/x', 'runs/x/a', true],
  ])('%s and %s: %s', (exportPath, file, covered) => expect(coversFile(exportPath, file)).toBe(covered));

  test('an empty folder is covered as the partition it may be', () => {
    expect(coversFile('silver/vulns/dt=1', 'silver/vulns/dt=1', true)).toBe(true);
    expect(coversFile('silver/vulns/_files', 'silver/vulns/dt=1', true)).toBe(false);
    expect(coversFile('silver/vulns/_files', 'silver/vulns/tmp', true)).toBe(true);
  });

  test('every file is covered by the export of its own partition, whatever else is in the lake', () =>
    fc.assert(
      fc.property(fc.array(folder, { minLength: 1, maxLength: 6 }), (folders) => {
        const files = folders.map((one) => `${one}/file`);
        const partitions = files.map((file) => partitionOf(file).path).sort(compareFolders);
        for (const file of files) {
          const own = exportPathOf(partitionScope(partitionOf(file).path, partitions));
          expect(coversFile(own, file)).toBe(true);
          const others = partitions.filter((path) => path !== partitionOf(file).path);
          const paths = others.map((path) => exportPathOf(partitionScope(path, partitions)));
          expect(paths.filter((path) => coversFile(path, file))).toEqual([]);
        }
      }),
    ));
});

describe('a key alone says', () => {
  test.each([
    ['runs/run-1', { path: '', keys: {}, runId: 'run-1' }],
    ['lake', { path: '', keys: {} }],
    ['silver', { path: 'silver', layer: 'silver', keys: {} }],
    ['silver/vulns', { path: 'silver/vulns', layer: 'silver', dataset: 'vulns', keys: {} }],
    ['silver/vulns/dt=1', { path: 'silver/vulns/dt=1', layer: 'silver', dataset: 'vulns', keys: { dt: '1' } }],
    ['silver/_files', { path: 'silver', layer: 'silver', keys: {} }],
    ['_files', { path: '', keys: {} }],
    ['silver/vulns/_rest', { path: 'silver/vulns', layer: 'silver', dataset: 'vulns', keys: {} }],
  ])('%s: its facts', (path, facts) => expect(factsOfExportPath(path)).toEqual(facts));
});
