/** What in a lake is lakepack's own and what is data. */
import { describe, expect, test } from 'vitest';
import { temporaryName } from '../../src/base/temporary-name.js';
import { isArchiveOwn, mayHoldArchiveOwn } from '../../src/lake/archive-own.js';

const ID = '20250314T060000Z-0123abcd';

describe('lakepack wrote', () => {
  test.each([
    `exports/silver/vulns/dt=1/${ID}/${ID}-00001.tar.zst`,
    `exports/silver/vulns/dt=1/${ID}/${ID}-00001.tar.zst.age`,
    `exports/lake/${ID}/SHA256SUMS`,
    `exports/lake/${ID}/${temporaryName(`${ID}-00001.tar.zst`)}`,
    `manifests/silver/vulns/dt=1/${ID}.export.json`,
    `manifests/silver/vulns/dt=1/${ID}.files.jsonl.zst`,
    `manifests/silver/${temporaryName(`${ID}.export.json`)}`,
    'drills/2025/20250314-abc.drill.json',
    '.lakepack/journal.json',
  ])('%s', (path) => {
    expect(isArchiveOwn(path)).toBe(true);
    expect(mayHoldArchiveOwn(path.slice(0, path.lastIndexOf('/')))).toBe(true);
  });
});

describe('data is', () => {
  test.each([
    'exports/football.tar.zst',
    'exports/SHA256SUMS',
    `exports/${ID}-00001.tar.zst`,
    `exports/${ID}/20250314T060000Z-ffffffff-00001.tar.zst`,
    `exports/lake/${ID}/notes.txt`,
    'manifests/silver/vulns/dt=1.manifest.json',
    'manifests/football.export.json',
    `silver/vulns/${ID}.export.json`,
    `bronze/exports/lake/${ID}/SHA256SUMS`,
    `silver/${temporaryName('x')}`,
    'exports/.notes.partial',
    'drills/readme.md',
    '.lakepack-notes/x',
  ])('%s', (path) => expect(isArchiveOwn(path)).toBe(false));
});
