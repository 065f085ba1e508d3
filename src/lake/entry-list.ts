/**
 * Holds the entries of a scan, in any number of lists, in little memory: beyond a bound they stand in one file in a
 * scratch folder. It answers for order, sums and the scan digest of each list; which entry goes where is `scan.ts`.
 */
import { createHash } from 'node:crypto';
import { LakepackError } from '../base/errors.js';
import { comparePathBytes, showPath } from '../base/paths.js';
import type { SourceEntry, SourceEntryList } from './contract.js';
import { openSpillFile, type Extent, type SpillFile } from './spill-file.js';

/** At most this many entries of all lists together are kept in memory, about 12 MB. */
export const MAX_ENTRIES_IN_MEMORY = 50_000;

/** Makes lists. `dispose` removes the scratch file: no list can be read after it. */
export interface EntryStore {
  openList(): EntryListBuilder;
  dispose(): void;
}

/** A list while entries are added to it, and the list itself. Entries must come sorted by path bytes, each once. */
export interface EntryListBuilder extends SourceEntryList {
  readonly newestMtimeNs: bigint | undefined;
  /** Throws INTERNAL when the entry is out of order, DISK_FULL when the scratch folder is. */
  add(entry: SourceEntry): void;
}

/** `scratchFolder` exists; nothing is written to it before a list needs it. */
export function openEntryStore(scratchFolder: string, maxInMemory: number = MAX_ENTRIES_IN_MEMORY): EntryStore {
  const spill = openSpillFile(scratchFolder);
  const lists = new Set<SpilledList>();
  let inMemory = 0;
  return {
    openList() {
      const list = new SpilledList(spill, () => {
        lists.add(list);
        if (++inMemory < maxInMemory) return;
        for (const full of lists) full.spillPending();
        lists.clear();
        inMemory = 0;
      });
      return list;
    },
    dispose: () => spill.dispose(),
  };
}

/**
 * One line of what a scan digest is the SHA-256 of (format 3.2): `<path>\0<type>\0<bytes>\0<mtimeNs>\n`, in UTF-8,
 * one line an entry, sorted by path bytes. `type` is `file` or `directory`; `bytes` is decimal, 0 for a directory;
 * `mtimeNs` is whole nanoseconds since 1970-01-01T00:00:00Z, decimal, with a `-` before it.
 */
export function scanDigestLine(entry: SourceEntry): string {
  return `${entry.path}\0${entry.type}\0${entry.bytes}\0${entry.mtimeNs}\n`;
}

/** Whole seconds since the epoch, rounded down, also before it: what a tar header and a manifest say. */
export function wholeSeconds(mtimeNs: bigint): number {
  const seconds = mtimeNs / 1_000_000_000n;
  return Number(seconds * 1_000_000_000n > mtimeNs ? seconds - 1n : seconds);
}

class SpilledList implements EntryListBuilder {
  files = 0;
  directories = 0;
  bytes = 0;
  newestMtimeNs: bigint | undefined;
  #lastPath = '';
  #pending: SourceEntry[] = [];
  readonly #extents: Extent[] = [];
  readonly #hash = createHash('sha256');
  readonly #spill: SpillFile;
  readonly #afterAdd: () => void;

  constructor(spill: SpillFile, afterAdd: () => void) {
    this.#spill = spill;
    this.#afterAdd = afterAdd;
  }

  get newestMtime(): number | undefined {
    return this.newestMtimeNs === undefined ? undefined : wholeSeconds(this.newestMtimeNs);
  }

  get scanDigest(): string {
    return this.#hash.copy().digest('hex');
  }

  add(entry: SourceEntry): void {
    if (comparePathBytes(this.#lastPath, entry.path) >= 0) throw outOfOrder(this.#lastPath, entry.path);
    this.#lastPath = entry.path;
    if (entry.type === 'file') this.files++;
    else this.directories++;
    this.bytes += entry.bytes;
    if (this.newestMtimeNs === undefined || entry.mtimeNs > this.newestMtimeNs) this.newestMtimeNs = entry.mtimeNs;
    this.#hash.update(scanDigestLine(entry));
    this.#pending.push(entry);
    this.#afterAdd();
  }

  spillPending(): void {
    this.#extents.push(this.#spill.append(this.#pending.map(toLine)));
    // A new array: an iteration that goes on still has the old one.
    this.#pending = [];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SourceEntry> {
    const extents = [...this.#extents];
    const pending = this.#pending;
    const count = pending.length;
    for (const extent of extents) {
      for await (const line of this.#spill.lines(extent)) yield fromLine(line);
    }
    yield* pending.slice(0, count);
  }
}

type Line = readonly [path: string, type: SourceEntry['type'], bytes: number, mtimeNs: string, executable: boolean];

function toLine(entry: SourceEntry): string {
  const line: Line = [entry.path, entry.type, entry.bytes, entry.mtimeNs.toString(), entry.executable];
  return JSON.stringify(line);
}

function fromLine(text: string): SourceEntry {
  const [path, type, bytes, mtimeNs, executable] = JSON.parse(text) as Line;
  return { path, type, bytes, mtimeNs: BigInt(mtimeNs), executable };
}

function outOfOrder(before: string, after: string): LakepackError {
  const message = `scan: entries are out of order: expected a path after ${showPath(before)}, got ${showPath(after)}`;
  return new LakepackError('INTERNAL', message);
}
