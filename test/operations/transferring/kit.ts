/** Archives in memory with exports in them, and transfers between them, for the tests of transfers. */
import { createCipheriv, createHash } from 'node:crypto';
import path from 'node:path';
import { Archive } from '../../../src/archive/archive.js';
import { isLakepackError } from '../../../src/base/errors.js';
import { transfer, type TransferOptions, type TransferReport } from '../../../src/index.js';
import type { Remote } from '../../../src/remote/remote.js';
import { openMemoryRemote, type MemoryOptions, type MemoryRemote } from '../../remote/memory.js';
import { makeFolder, packInto, placeWith, write, type Place, type Tree } from '../lakes.js';

export interface Source {
  readonly place: Place;
  readonly remote: MemoryRemote;
}

/** A packed lake in an archive in memory. */
export async function packedSource(tree?: Tree, options: MemoryOptions = {}): Promise<Source> {
  const place = placeWith(tree);
  const remote = openMemoryRemote(options);
  await packInto(place, { to: new Archive(remote) });
  return { place, remote };
}

/** Another archive with the same objects. */
export function copyOf({ objects }: MemoryRemote, options: MemoryOptions = {}): MemoryRemote {
  const copy = openMemoryRemote(options);
  for (const [key, bytes] of objects) copy.objects.set(key, Buffer.from(bytes));
  return copy;
}

export interface Run extends Partial<Omit<TransferOptions, 'from' | 'to'>> {
  readonly fallbacks?: readonly Remote[];
}

export const freshStateDir = (): string => path.join(makeFolder(), 'state');

export function send(from: Remote, to: Remote, { fallbacks = [], ...options }: Run = {}): Promise<TransferReport> {
  return transfer({
    from: new Archive(from, { fallbacks: fallbacks.map((one) => new Archive(one)) }),
    to: new Archive(to),
    stateDir: freshStateDir(),
    concurrency: 4,
    ...options,
  });
}

/** Keys and digests, for comparing two archives. */
export function contents({ objects }: MemoryRemote): Record<string, string> {
  return Object.fromEntries(
    [...objects]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, bytes]) => [key, createHash('sha256').update(bytes).digest('hex')]),
  );
}

export function keys({ objects }: MemoryRemote, pattern = /./): string[] {
  return [...objects.keys()].filter((key) => pattern.test(key)).sort();
}

/** Every manifest in an archive has all it names: what must hold at any moment. */
export function manifestsWithoutBundles({ objects }: MemoryRemote): string[] {
  return [...objects].flatMap(([key, bytes]) => {
    if (!key.endsWith('.export.json')) return [];
    const { bundles, exportId, source } = JSON.parse(bytes.toString()) as {
      bundles: { name: string; storedBytes: number }[];
      exportId: string;
      source: { path: string };
    };
    return bundles
      .filter(
        ({ name, storedBytes }) => objects.get(`exports/${source.path}/${exportId}/${name}`)?.length !== storedBytes,
      )
      .map(({ name }) => `${key}: ${name}`);
  });
}

/** `path status` of every export. */
export function statuses(report: TransferReport): string[] {
  return report.exports.map((one) => `${one.path} ${one.status}`);
}

export function codes(report: TransferReport): string[] {
  return [...report.findings, ...report.exports.flatMap((one) => one.findings)].map((one) => one.code);
}

/** The code that a transfer ends with; `done` where it ends well, `findings` where some export failed. */
export async function outcome(work: Promise<TransferReport>): Promise<string> {
  try {
    return (await work).totals.failed === 0 ? 'done' : 'findings';
  } catch (error) {
    if (isLakepackError(error)) return error.code;
    throw error;
  }
}

/** A lake with one partition of one file that does not compress, of so many bytes. */
export function writeLarge(place: Place, bytes: number): void {
  write(place.lake, 'silver/large/dt=2025-10-11/part-0.bin', noise(bytes));
}

/** The same bytes each time, and nothing that a compressor could find in them. */
function noise(bytes: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(bytes));
}
