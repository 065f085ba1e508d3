/** Which run manifests of a lake describe an export. */
import { expect, describe, test } from 'vitest';
import { indexRunManifests, MAX_PROVENANCE_MANIFESTS } from '../../src/lake/run-manifests.js';
import { makeTree, type Tree } from './tree.js';

const BRONZE = { runId: 'run-1', layer: 'bronze', artifacts: { bytes: '12', dir: 'bronze/store/2025/03/14/run-1' } };
const LAKE: Tree = {
  'bronze/store/2025/03/14/run-1/a.json.gz': '',
  'bronze/manifests/run-1.manifest.json': JSON.stringify(BRONZE),
  'manifests/bronze/store/2025-03-14.manifest.json': '{"files":[{"path":"bronze/store/2025/03/14/run-1/a.json.gz"}]}',
  'manifests/silver/matches/competition=en.1__season=2018.manifest.json': '{"by":"name"}',
  'manifests/silver/vulns/odd.manifest.json': '{"dataset":"silver/vulns","partition":"dt=1"}',
  'manifests/silver/vulns/listed.manifest.json':
    '{"files":[{"path":"silver/vulns/dt=1/a"},{"path":"silver/vulns/dt=2/a"}]}',
  'manifests/gold/arrays/all.manifest.json': '{"by":"all"}',
  'gold/manifests/nightly.manifest.json': '{"runId":"run-9","artifacts":{"out":["gold/embeddings/partition=1"]}}',
  'manifests/index.manifest.json': '[1,2]',
  'manifests/broken.manifest.json': '{',
};

async function describing(tree: Tree, exportPath: string): Promise<[paths: string[], omitted: number]> {
  const { manifests, omitted } = (await indexRunManifests(makeTree(tree))).describing(exportPath);
  return [manifests.map((one) => one.path), omitted];
}

describe('an export is described by', () => {
  test.each([
    [
      'bronze/store/2025/03/14/run-1',
      ['bronze/manifests/run-1.manifest.json', 'manifests/bronze/store/2025-03-14.manifest.json'],
    ],
    ['runs/run-1', ['bronze/manifests/run-1.manifest.json']],
    ['runs/run-9', ['gold/manifests/nightly.manifest.json']],
    [
      'silver/matches/competition=en.1/season=2018',
      ['manifests/silver/matches/competition=en.1__season=2018.manifest.json'],
    ],
    ['silver/matches/competition=en.1/season=2019', []],
    ['silver/vulns/dt=1', ['manifests/silver/vulns/listed.manifest.json', 'manifests/silver/vulns/odd.manifest.json']],
    ['silver/vulns/dt=2', ['manifests/silver/vulns/listed.manifest.json']],
    ['silver/vulns/dt=10', []],
    ['silver/vulns', ['manifests/silver/vulns/listed.manifest.json', 'manifests/silver/vulns/odd.manifest.json']],
    ['silver/vulns/_files', []],
    ['gold/arrays', ['manifests/gold/arrays/all.manifest.json']],
    ['gold/arrays/dt=1', ['manifests/gold/arrays/all.manifest.json']],
    ['gold/embeddings/partition=1', ['gold/manifests/nightly.manifest.json']],
    ['gold', ['gold/manifests/nightly.manifest.json', 'manifests/gold/arrays/all.manifest.json']],
  ])('%s: %j', async (exportPath, expected) => expect(await describing(LAKE, exportPath)).toEqual([expected, 0]));

  test('all of them, for the whole lake', async () => {
    const [paths] = await describing(LAKE, 'lake');
    expect(paths).toHaveLength(7);
  });

  test('their JSON, unchanged', async () => {
    const index = await indexRunManifests(makeTree(LAKE));
    expect(index.describing('runs/run-1').manifests[0]?.content).toEqual(BRONZE);
  });
});

describe('left out, and counted, are', () => {
  const listing = (more: string): string => `{"files":[{"path":"a/b/dt=1/x"}]${more}}`;
  const one = (content: string): Tree => ({ 'manifests/x.manifest.json': content });

  test('manifests over 64 KiB', async () => {
    const padded = (bytes: number): string => listing(`,"x":"${'x'.repeat(bytes)}"`);
    expect(await describing(one(padded(60_000)), 'a/b/dt=1')).toEqual([['manifests/x.manifest.json'], 0]);
    expect(await describing(one(padded(66_000)), 'a/b/dt=1')).toEqual([[], 1]);
  });

  test('manifests over 1 MiB, which are known by their name only', async () => {
    const huge = { 'manifests/a/b/dt=1.manifest.json': listing(`,"x":"${'x'.repeat(1_100_000)}"`) };
    expect(await describing(huge, 'a/b/dt=1')).toEqual([[], 1]);
    expect(await describing(one(listing(`,"x":"${'x'.repeat(1_100_000)}"`)), 'a/b/dt=1')).toEqual([[], 0]);
  });

  test('those beyond the sixteenth, in path order', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`manifests/${at + 10}.manifest.json`, listing('')]),
    );
    const [paths, omitted] = await describing(many, 'a/b/dt=1');
    expect([paths.length, omitted, paths[0], paths.at(-1)]).toEqual([
      MAX_PROVENANCE_MANIFESTS,
      4,
      'manifests/10.manifest.json',
      'manifests/25.manifest.json',
    ]);
  });

  test('those beyond 256 KiB together', async () => {
    const text = listing(`,"x":"${'x'.repeat(50_000)}"`);
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`manifests/${at}.manifest.json`, text]));
    const [paths, omitted] = await describing(many, 'a/b/dt=1');
    expect([paths.length, omitted]).toEqual([5, 2]);
  });

  test('those too deep for what reads them later', async () => {
    const deep = listing(`,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    expect(await describing(one(deep), 'a/b/dt=1')).toEqual([[], 1]);
  });
});

test('four thousand exports ask an index of a thousand manifests in a second', async () => {
  const tree = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, at) => [`manifests/a/b/dt=${at}.manifest.json`, `{"runId":"run-${at}"}`]),
  );
  const index = await indexRunManifests(makeTree(tree));
  const started = performance.now();
  const found = Array.from({ length: 4_000 }, (_, at) => index.describing(`a/b/dt=${at}`).manifests.length);
  expect(found.filter((count) => count === 1)).toHaveLength(1_000);
  expect(performance.now() - started).toBeLessThan(2_000);
});
