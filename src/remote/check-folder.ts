/**
 * Checks a folder as an archive: what a disk or a share can do of what lakepack depends on. Writes under a name of its
 * own and removes it; a folder that is not there is not made.
 */
import { randomBytes } from 'node:crypto';
import { rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError } from '../base/errors.js';
import { GIB } from '../base/limits.js';
import { fromSystemError, unlessAbsent } from '../base/system-errors.js';
import { reportOf, type CheckOptions, type ProbeResult, type RemoteCheck } from './check-report.js';
import { failed, missing, runProbes, works, type CheckProbe, type Seen } from './check-run.js';
import { openFileRemote } from './file.js';
import type { Remote } from './remote.js';

interface FolderCheck {
  readonly folder: string;
  readonly remote: Remote;
  /** Key prefix of what is written, with a slash at its end. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

const BYTES = randomBytes(1024);
const LOW_BYTES = 1 * GIB;
const ODD_NAMES = ['with space', 'ümläut', '日本', 'dt=2025-10-11', 'colon:', 'question?', '😀'];

const PROBES: readonly CheckProbe<FolderCheck>[] = [
  { id: 'folder', tries: 'the folder is there', neededFor: 'everything', after: [], run: tryFolder },
  { id: 'list', tries: 'it can be listed', neededFor: 'reading', after: ['folder'], run: tryList },
  { id: 'space', tries: 'there is room', neededFor: 'nothing', after: ['folder'], run: trySpace },
  { id: 'put', tries: 'a file can be written', neededFor: 'writing', after: ['folder'], run: tryPut },
  { id: 'get', tries: 'a file is read as it was written', neededFor: 'reading', after: ['put'], run: tryGet },
  { id: 'range', tries: 'a part of a file can be read', neededFor: 'reading', after: ['put'], run: tryRange },
  {
    ...{ id: 'create-only', tries: 'of two writers at once exactly one wins', neededFor: 'nothing', after: ['put'] },
    ...{ instead: 'do not let two machines pack the same partition at the same time', run: tryRace },
  },
  {
    ...{ id: 'odd-names', tries: 'spaces, signs and other alphabets stand in names', neededFor: 'nothing' },
    ...{ after: ['put'], instead: 'partitions whose paths have such names cannot be stored there', run: tryOddNames },
  },
  {
    ...{ id: 'list-after-write', tries: 'what was written is listed at once', neededFor: 'nothing', after: ['put'] },
    ...{ instead: 'another machine may see an export late', run: tryListed },
  },
  {
    ...{ id: 'flush', tries: 'files are made safe from a power cut', neededFor: 'nothing', after: ['put'] },
    ...{ instead: 'an export that was just packed may be lost in a power cut: verify it', run: tryFlush },
  },
  {
    ...{ id: 'delete', tries: 'a file can be removed', neededFor: 'nothing', after: ['put'], run: tryDelete },
    instead: 'what an interrupted run leaves stays there',
  },
];

/** Throws INTERRUPTED; everything else that goes wrong is in the result. */
export async function checkFolder(folder: string, options: CheckOptions): Promise<RemoteCheck> {
  const { signal, onProbe } = options;
  const remote = openFileRemote(folder);
  const name = `lakepack-check-${randomBytes(6).toString('hex')}`;
  let probes: readonly ProbeResult[] = [];
  let leftBehind: readonly string[] = [];
  try {
    probes = await runProbes<FolderCheck, CheckProbe<FolderCheck>>({
      ...{ probes: PROBES, signal, onProbe, reasonToSkip: () => undefined },
      checkWith: (own) => ({ folder, remote, scratch: `${name}/`, signal: own }),
      seenOf: (error) => seenOfError(error, folder),
    });
  } finally {
    leftBehind = await removeAll(path.join(folder, name));
    await remote.close();
  }
  return reportOf({ remote: folder, kind: 'folder' }, probes, leftBehind, options.isReadOnly);
}

function seenOfError(error: unknown, folder: string): Seen {
  const { code, message, hint } = fromSystemError(error, folder);
  const outcome = code === 'PERMISSION_DENIED' ? 'refused' : 'failed';
  return { outcome, note: message, code, ...(hint !== undefined && { fix: hint }) };
}

async function removeAll(disk: string): Promise<readonly string[]> {
  try {
    await rm(disk, { recursive: true, force: true });
    return [];
  } catch (error) {
    // A check has its result already; what stays is said in it.
    return [`${disk} (${fromSystemError(error, disk).code})`];
  }
}

async function tryFolder({ folder }: FolderCheck): Promise<Seen> {
  const found = await unlessAbsent(() => stat(folder));
  if (found?.isDirectory() === true) return works();
  const fix = 'check the path, and that the disk is mounted; packing into it makes it';
  return { ...failed(found === undefined ? 'there is no such folder' : 'is a file'), fix, code: 'NOT_FOUND' };
}

async function tryList({ remote, signal }: FolderCheck): Promise<Seen> {
  for await (const _object of remote.list('manifests/', { signal })) return works();
  return works('no manifests yet');
}

async function trySpace({ folder }: FolderCheck): Promise<Seen> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const note = `${(free / GIB).toFixed(1)} GiB free`;
  if (free >= LOW_BYTES) return works();
  return { ...works(note), fix: 'free some space before packing', problem: 'warning', code: 'DISK_FULL' };
}

async function tryPut({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  await remote.put(`${scratch}object`, BYTES, { signal });
  return works();
}

async function tryGet({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  const bytes = await remote.read(`${scratch}object`, BYTES.length, { signal });
  return bytes.equals(BYTES) ? works() : failed('other bytes than those that were written');
}

async function tryRange({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  const bytes = await remote.readRange(`${scratch}object`, { offset: 100, length: 100 }, { signal });
  return bytes.equals(BYTES.subarray(100, 200)) ? works() : failed('other bytes than those that were written');
}

async function tryRace({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  const won = async (text: string): Promise<boolean> => {
    try {
      await remote.put(`${scratch}race`, Buffer.from(text), { signal });
      return true;
    } catch (error) {
      if (isLakepackError(error, 'OBJECT_EXISTS')) return false;
      throw error;
    }
  };
  const results = await Promise.all(['one', 'two', 'three', 'four'].map(won));
  const winners = results.filter(Boolean).length;
  return winners === 1 ? works() : missing(`${winners} of ${results.length} were told that they won`);
}

async function tryOddNames({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  const lost: string[] = [];
  for (const name of ODD_NAMES) {
    const key = `${scratch}odd/${name}`;
    const isBack = await remote.put(key, Buffer.from(name), { signal }).then(
      async () => (await remote.read(key, 100, { signal })).toString() === name,
      () => false,
    );
    if (!isBack) lost.push(name);
  }
  return lost.length === 0 ? works() : missing(`not these: ${lost.join(', ')}`);
}

async function tryListed({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  for await (const { key } of remote.list(scratch, { signal })) if (key === `${scratch}object`) return works();
  return missing('a file that was written is not listed');
}

async function tryFlush({ remote }: FolderCheck): Promise<Seen> {
  await remote.flush();
  return works();
}

async function tryDelete({ remote, scratch, signal }: FolderCheck): Promise<Seen> {
  await remote.delete(`${scratch}object`, { signal });
  return (await remote.head(`${scratch}object`, { signal })) === undefined ? works() : failed('it is still there');
}
