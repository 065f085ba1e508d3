/** Evidence in an archive, the chain it forms, and what breaks it. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive, openArchive } from '../../src/archive/archive.js';
import { sha256Of } from '../../src/base/sha256.js';
import { provenExports, type ReadEvidence, readEvidence, writeEvidence } from '../../src/drill/evidence.js';
import { history } from '../../src/drill/history.js';
import type { DrillRecord } from '../../src/schema/drill-record.js';
import { makeFolder } from '../lake/tree.js';
import { codeOf, memoryArchive } from '../operations/lakes.js';
import { readOnly } from '../../src/remote/read-only.js';
import { drilledExport, drillRecord } from './drill-records.js';

const idOf = (day: number): string => `202611${String(day).padStart(2, '0')}T031500Z-0000000${day % 10}`;

/** A record of a drill at 03:15 of a day in November. */
function recordOf(day: number, change: Partial<DrillRecord> = {}): Omit<DrillRecord, 'previous'> {
  const date = `2026-11-${String(day).padStart(2, '0')}`;
  const { previous: _previous, ...record } = drillRecord({
    ...{ drillId: idOf(day), startedAt: `${date}T03:15:00Z`, finishedAt: `${date}T03:20:00Z` },
    ...change,
  });
  return record;
}

async function evidenceIn(archive: Archive, options = {}): Promise<ReadEvidence[]> {
  const all: ReadEvidence[] = [];
  for await (const one of readEvidence(archive, options)) all.push(one);
  return all;
}

/** A folder with evidence of three days. */
async function threeDrills(): Promise<{ folder: string; fileOf: (day: number) => string }> {
  const folder = path.join(makeFolder(), 'archive');
  for (const day of [1, 2, 3]) await writeEvidence(folder, recordOf(day));
  return { folder, fileOf: (day) => path.join(folder, 'drills', '2026', `${idOf(day)}.drill.json`) };
}

describe('writing and reading', () => {
  test('a record names the one before it by the SHA-256 of its stored bytes', async () => {
    const { folder, fileOf } = await threeDrills();
    const archive = await openArchive(folder, { mode: 'read' });
    const all = await evidenceIn(archive);
    expect(all.map((one) => one.key)).toEqual([1, 2, 3].map((day) => `drills/2026/${idOf(day)}.drill.json`));
    const previous = all.map((one) => ('record' in one ? one.record.previous : undefined));
    const hashOf = (day: number): string => sha256Of(fs.readFileSync(fileOf(day)));
    expect(previous).toEqual([null, { drillId: idOf(1), sha256: hashOf(1) }, { drillId: idOf(2), sha256: hashOf(2) }]);
    expect((await evidenceIn(archive, { newestFirst: true })).map((one) => one.drillId)).toEqual([3, 2, 1].map(idOf));
    await archive.close();
  });

  test('what is stored is what is given back, and a second record of one id is refused', async () => {
    const { archive, memory } = memoryArchive();
    const stored = await writeEvidence(archive, recordOf(1));
    expect(stored).toMatchObject({ key: `drills/2026/${idOf(1)}.drill.json`, archive: archive.url });
    expect(sha256Of(memory.objects.get(stored.key)!)).toBe(stored.sha256);
    expect(await codeOf(writeEvidence(archive, recordOf(1, { elapsedMs: 1 })))).toBe('OBJECT_EXISTS');
    expect(memory.objects.size).toBe(1);
  });

  test('an archive that only reads takes none', async () => {
    const { archive } = memoryArchive();
    const closed = new Archive(readOnly(archive.remote));
    expect(await codeOf(writeEvidence(closed, recordOf(1)))).toBe('ARCHIVE_UNSUPPORTED');
  });

  test('an archive without evidence has none, and what is no record is passed over', async () => {
    const { archive, memory } = memoryArchive();
    memory.objects.set('drills/2026/notes.txt', Buffer.from('x'));
    expect(await evidenceIn(archive)).toEqual([]);
    expect((await history({ from: archive })).drills).toEqual([]);
    expect((await writeEvidence(archive, recordOf(1))).record.previous).toBeNull();
  });

  test('a store that cannot be read is no archive without evidence', async () => {
    const { archive, memory } = memoryArchive();
    await writeEvidence(archive, recordOf(1));
    const failing = {
      ...memory,
      list: () => {
        throw new Error('down');
      },
    };
    await expect(evidenceIn(new Archive(failing))).rejects.toThrow('down');
  });
});

describe('what is proven', () => {
  test('is the last proof of each export, whatever order the records come in', () => {
    const one = (day: number, proven: boolean, exportId: string): ReadEvidence => ({
      ...{ key: '', drillId: idOf(day), sha256: '' },
      record: { ...recordOf(day, { exports: [drilledExport('silver/a', { proven, exportId })] }), previous: null },
    });
    const broken: ReadEvidence = { key: '', drillId: idOf(9), fault: 'x' };
    const proven = provenExports([
      one(3, false, 'a'),
      one(2, true, 'a'),
      one(1, true, 'a'),
      one(3, false, 'b'),
      broken,
    ]);
    expect([...proven.keys()]).toEqual(['a']);
    expect(proven.get('a')).toMatchObject({ at: '2026-11-02T03:15:00Z', drillId: idOf(2), path: 'silver/a' });
  });
});

describe('history', () => {
  test('finds nothing in a chain that is whole', async () => {
    const { folder } = await threeDrills();
    const found = await history({ from: folder });
    expect(found.drills.map((row) => row.drillId)).toEqual([1, 2, 3].map(idOf));
    expect(found).toMatchObject({ findings: [], forks: [] });
    expect(found.drills[0]).toMatchObject({ outcome: 'pass', exports: 3, proven: 3, stores: ['tables', 'vectors'] });
  });

  test.each<[string, (fileOf: (day: number) => string) => void, RegExp]>([
    [
      'a changed record',
      (fileOf) => edit(fileOf(2), (text) => text.replace('"elapsedMs": 209400', '"elapsedMs": 9400')),
      /record of drill 20261102T.* is not the one that drill 20261103T.* saw/,
    ],
    [
      'a space more, which changes no meaning',
      (fileOf) => edit(fileOf(1), (text) => `${text} `),
      /record of drill 20261101T.* is not the one/,
    ],
    ['a missing record', (fileOf) => fs.rmSync(fileOf(2)), /record of drill 20261102T.* is missing/],
    ['a missing first record', (fileOf) => fs.rmSync(fileOf(1)), /record of drill 20261101T.* is missing/],
    ['a record that is cut short', (fileOf) => fs.truncateSync(fileOf(3), 100), /20261103T.* cannot be read/],
    [
      'a failure that was made a pass without its sums',
      (fileOf) => edit(fileOf(3), (text) => text.replace('"outcome": "pass"', '"outcome": "good"')),
      /20261103T.* cannot be read/,
    ],
    [
      'a chain that begins anew',
      (fileOf) => edit(fileOf(3), (text) => text.replace(/"previous": \{[^}]*\}/, '"previous": null')),
      /20261103T.* names no record before it/,
    ],
    ['a record under another name', (fileOf) => fs.renameSync(fileOf(3), fileOf(4)), /20261104T.* cannot be read/],
  ])('names %s', async (_, damage, message) => {
    const { folder, fileOf } = await threeDrills();
    damage(fileOf);
    const { findings } = await history({ from: folder });
    expect(findings.map(({ code, severity }) => [code, severity])).toContainEqual(['EVIDENCE_BROKEN', 'error']);
    expect(findings.map((one) => one.message).join('\n')).toMatch(message);
  });

  test('two drills at the same time are a fork, and no fault', async () => {
    const { archive, memory } = memoryArchive();
    await writeEvidence(archive, recordOf(1));
    const first = memory.objects.get(`drills/2026/${idOf(1)}.drill.json`)!;
    await writeEvidence(archive, recordOf(2));
    const other = { ...recordOf(3), previous: { drillId: idOf(1), sha256: sha256Of(first) } };
    memory.objects.set(`drills/2026/${idOf(3)}.drill.json`, Buffer.from(JSON.stringify(other)));
    const { forks, findings } = await history({ from: archive });
    expect(forks).toEqual([{ previous: idOf(1), drills: [idOf(2), idOf(3)] }]);
    expect(findings).toEqual([]);
  });
});

function edit(file: string, change: (text: string) => string): void {
  const text = fs.readFileSync(file, 'utf8');
  expect(change(text)).not.toBe(text);
  fs.writeFileSync(file, change(text));
}
