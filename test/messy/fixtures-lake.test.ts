/** The fixtures lake from pack to restore, through the command line and with stock tools. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { makeLake } from '../../fixtures/make-lake.js';
import type { PackReport } from '../../src/index.js';
import { hasStockTools, lakepack, restoreWithTar, scratchFolder, treeOf, type TreeItem } from './round-trip.js';

const scratch = scratchFolder();
const lake = path.join(scratch, 'lake');
let before: readonly TreeItem[] = [];

beforeAll(async () => {
  await makeLake(lake);
  before = treeOf(lake);
});

test.each(['partition', 'run', 'dataset', 'layer', 'lake'])(
  'by %s: packed, verified, restored; and again: nothing to do',
  async (by) => {
    const archive = path.join(scratch, `archive-${by}`);
    const pack = ['export', 'pack', lake, '--to', archive, '--by', by, '--json'];
    const first = await lakepack(scratch, ...pack);
    expect(first.code, first.stderr).toBe(0);
    const verified = await lakepack(scratch, 'verify', '--archive', archive);
    expect(verified.code, verified.stdout).toBe(0);

    const into = path.join(scratch, `restored-${by}`);
    const restored = await lakepack(scratch, 'import', 'unpack', '--all', '--from', archive, '--into', into);
    expect(restored.code, restored.stderr).toBe(0);
    expect(treeOf(into)).toEqual(before);

    const exports = (JSON.parse((await lakepack(scratch, ...pack)).stdout) as PackReport).exports;
    expect([...new Set(exports.map((one) => one.status))]).toEqual(['unchanged']);
    expect(treeOf(lake)).toEqual(before);
  },
);

test.skipIf(!hasStockTools)('GNU tar and zstd alone restore the same', () => {
  const bags = restoreWithTar(path.join(scratch, 'archive-partition'), path.join(scratch, 'by-tar'));
  const joined = treeOf(path.join(scratch, 'by-tar', 'joined')).map(({ path: lakePath, sha256 }) => ({
    lakePath,
    sha256,
  }));
  expect(joined).toEqual(before.map(({ path: lakePath, sha256 }) => ({ lakePath, sha256 })));
  const times = fs
    .readdirSync(bags)
    .flatMap((bag) => treeOf(path.join(bags, bag)))
    .filter((item) => item.path.startsWith('data/'));
  const wanted = new Map(before.map((item) => [item.path, item]));
  for (const { path: bagPath, mtime, executable } of times) {
    expect({ mtime, executable }, bagPath).toEqual({
      mtime: wanted.get(bagPath.slice('data/'.length))?.mtime,
      executable: wanted.get(bagPath.slice('data/'.length))?.executable,
    });
  }
});
