/** Files that change while they are packed. The change is made when the file's bytes begin to flow, never by a clock. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpack, verify, type PackOptions, type ProgressEvent } from '../../../src/index.js';
import { randomBytes } from '../../bundle/kit.js';
import { filesOf, lookAtArchive, packInto, placeWith, statuses, treeOf, type Place } from '../lakes.js';

const LARGE = 'silver/a/dt=1/large.bin';
const SMALL = 'silver/a/dt=1/small.txt';
/** More frames than are under way at once. */
const CONTENT = randomBytes(24_000_000);

/** The large file is read frame by frame, the small one with its last. */
function place(): Place {
  return placeWith({ [LARGE]: CONTENT, [SMALL]: 'small\n', 'silver/a/dt=2/other.txt': 'other\n' });
}

/** Calls `change` once, when the first bytes of the export have been read. */
function onFirstBytes(change: () => void): Pick<PackOptions, 'onProgress' | 'concurrency'> {
  let isDone = false;
  const onProgress = (event: ProgressEvent): void => {
    if (isDone || event.type !== 'advance' || event.bytes === 0) return;
    isDone = true;
    change();
  };
  return { onProgress, concurrency: 1 };
}

const CHANGES: readonly [string, (disk: string) => void][] = [
  ['is appended to', (disk) => fs.appendFileSync(disk, 'more')],
  ['is cut', (disk) => fs.truncateSync(disk, 1_500_000)],
  [
    'is rewritten in place with the same size',
    (disk) => fs.writeFileSync(disk, randomBytes(fs.statSync(disk).size, 2)),
  ],
  ['is replaced by another', (disk) => replace(disk, (fresh) => fs.writeFileSync(fresh, randomBytes(1_000, 3)))],
  ['is touched', (disk) => fs.utimesSync(disk, 1_770_000_000, 1_770_000_000)],
];
const LOSSES: readonly [string, (disk: string) => void][] = [
  ['is deleted', (disk) => fs.rmSync(disk)],
  ['is replaced by a link', (disk) => replace(disk, (fresh) => fs.symlinkSync('/etc/passwd', fresh))],
  ['is replaced by a folder', (disk) => replace(disk, (fresh) => fs.mkdirSync(fresh))],
];

describe('a large file that is being read', () => {
  test.each([...CHANGES, ...LOSSES])('%s: its export fails, the others do not', async (_, change) => {
    await expectFailure(LARGE, change);
  });

  test.each([...CHANGES, ...LOSSES])('%s: with retry it is read again', async (_, change) => {
    await expectRetry(LARGE, change);
  });
});

describe('a file that is read later', () => {
  test.each([...CHANGES.filter(([name]) => name !== 'is cut'), ...LOSSES])(
    '%s: its export fails',
    async (_, change) => {
      await expectFailure(SMALL, change);
    },
  );

  test.each([...CHANGES.filter(([name]) => name !== 'is cut'), ...LOSSES])(
    '%s: with retry what is there is packed',
    async (_, change) => {
      await expectRetry(SMALL, change);
    },
  );
});

test('a file that changes at every attempt fails its export in the end', async () => {
  const there = place();
  let count = 0;
  const report = await packInto(there, {
    onChange: 'retry',
    concurrency: 1,
    onProgress: (event) => {
      if (event.type === 'advance' && event.bytes > 100_000)
        fs.appendFileSync(path.join(there.lake, LARGE), `${count++}`);
    },
  });
  expect(statuses(report)).toEqual(['silver/a/dt=1 failed', 'silver/a/dt=2 packed']);
  expect(lookAtArchive(there.archive)).toMatchObject({ exports: 1, strays: [] });
});

test('when all files of an export are gone before they are read, it fails and nothing else does', async () => {
  const there = placeWith({ 'silver/a/dt=1/x.txt': 'x', 'silver/a/dt=2/y.txt': 'y' });
  const gone = path.join(there.lake, 'silver/a/dt=1');
  const report = await packInto(there, {
    onChange: 'retry',
    onProgress: (event) => {
      if (event.type === 'phase' && event.phase === 'pack') fs.rmSync(gone, { recursive: true });
    },
  });
  expect(statuses(report)).toEqual(['silver/a/dt=1 failed', 'silver/a/dt=2 packed']);
});

test('an interruption after a retry leaves nothing of either attempt', async () => {
  const there = place();
  const stop = new AbortController();
  let changed = false;
  let bytes = 0;
  const run = packInto(there, {
    onChange: 'retry',
    concurrency: 1,
    signal: stop.signal,
    onProgress: (event) => {
      if (event.type === 'item') throw new Error('it was committed');
      if (event.type !== 'advance' || event.bytes === 0) return;
      bytes += event.bytes;
      // More than there is: it is read for the second time.
      if (bytes > CONTENT.length + 100) stop.abort();
      if (!changed) fs.appendFileSync(path.join(there.lake, LARGE), 'more');
      changed = true;
    },
  });
  await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect([...filesOf(there.archive).keys()]).toEqual([]);
});

async function expectFailure(name: string, change: (disk: string) => void): Promise<void> {
  const there = place();
  const report = await packInto(
    there,
    onFirstBytes(() => change(path.join(there.lake, name))),
  );
  expect(statuses(report)).toEqual(['silver/a/dt=1 failed', 'silver/a/dt=2 packed']);
  expect(report.exports[0]!.findings.map(({ code }) => code)).toEqual(['SOURCE_CHANGED']);
  expect(report.exports[0]!.findings[0]!.message).toContain(name);
  expect(lookAtArchive(there.archive)).toMatchObject({ exports: 1, strays: [] });
}

async function expectRetry(name: string, change: (disk: string) => void): Promise<void> {
  const there = place();
  const disk = path.join(there.lake, name);
  const report = await packInto(there, { ...onFirstBytes(() => change(disk)), onChange: 'retry' });
  expect(statuses(report)).toEqual(['silver/a/dt=1 packed', 'silver/a/dt=2 packed']);
  expect(lookAtArchive(there.archive)).toMatchObject({ exports: 2, strays: [] });
  expect((await verify({ archive: there.archive })).ok).toBe(true);
  await unpack({ from: there.archive, into: there.into });
  const expected = new Map([...treeOf(there.lake)].filter(([, facts]) => !facts.startsWith('link')));
  expect(treeOf(there.into)).toEqual(expected);
  // Nothing is left of the first attempt for a later run to wonder about.
  expect((await packInto(there)).totals).toMatchObject({ packed: 0, unchanged: 2, failed: 0 });
}

function replace(disk: string, make: (fresh: string) => void): void {
  make(`${disk}.fresh`);
  if (fs.lstatSync(`${disk}.fresh`).isDirectory()) fs.rmSync(disk);
  fs.renameSync(`${disk}.fresh`, disk);
}
