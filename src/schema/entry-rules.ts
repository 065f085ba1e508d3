/**
 * What must hold over the file entries of an export beyond the shape of each (format 5.4): asked entry by entry, so
 * that ten million need no more memory than ten. The manifest itself is checked by `manifest-rules.ts`.
 */
import { comparePathBytes, lakePathFault } from '../base/paths.js';
import { createContentDigest } from './content-digest.js';
import type { BundleFacts, ExportManifest, FileEntry } from './export-manifest.js';
import { showValue, type ManifestFault } from './manifest-fault.js';

const TAR_BLOCK_BYTES = 512;
/** What nearly every entry has: no array is made for it. */
const NONE: readonly ManifestFault[] = [];

export interface EntryRules {
  /** The faults of the next entry; their paths are JSON pointers into the entry. */
  next(entry: FileEntry): readonly ManifestFault[];
  /** The faults of all entries together, against the manifest; their paths are JSON pointers into the manifest. */
  end(): readonly ManifestFault[];
}

export type EntryRulesHead = Pick<ExportManifest, 'bundles' | 'totals' | 'contentDigest' | 'filesIndex'>;

/** Rules for the entries of one export, from the first to the last, each valid by its schema. */
export function createEntryRules(head: EntryRulesHead): EntryRules {
  const pathFaults = createPathRules();
  const placeFaults = createPlaceRules(head.bundles);
  const digest = createContentDigest();
  const sums = head.bundles.map(() => ({ files: 0, bytes: 0 }));
  const totals: { files: number; directories: number; bytes: number; rows: number | undefined } = {
    files: 0,
    directories: 0,
    bytes: 0,
    rows: undefined,
  };
  function count(entry: FileEntry): void {
    if (entry.type === 'directory') {
      totals.directories += 1;
      return;
    }
    const sum = sums[entry.bundle - 1];
    if (sum !== undefined) {
      sum.files += 1;
      sum.bytes += entry.bytes;
    }
    totals.files += 1;
    totals.bytes += entry.bytes;
    if (entry.content?.rows !== undefined) totals.rows = (totals.rows ?? 0) + entry.content.rows;
    digest.add(entry.path, entry.sha256 ?? '');
  }
  return {
    next(entry) {
      count(entry);
      const faults = pathFaults(entry.path);
      const more = placeFaults(entry);
      return more.length === 0 ? faults : [...faults, ...more];
    },
    end: () => [
      ...sums.flatMap((sum, index) => payloadFaults(head.bundles[index]?.payload, sum, index)),
      ...differs('/totals/files', totals.files, head.totals.files),
      ...differs('/totals/directories', totals.directories, head.totals.directories),
      ...differs('/totals/bytes', totals.bytes, head.totals.bytes),
      ...differs('/totals/rows', totals.rows, head.totals.rows),
      ...differs('/contentDigest', digest.hex(), head.contentDigest),
      ...indexFaults(head, totals.files + totals.directories),
    ],
  };
}

function payloadFaults(
  declared: BundleFacts['payload'] | undefined,
  found: BundleFacts['payload'],
  index: number,
): readonly ManifestFault[] {
  return [
    ...differs(`/bundles/${index}/payload/files`, found.files, declared?.files),
    ...differs(`/bundles/${index}/payload/bytes`, found.bytes, declared?.bytes),
  ];
}

function indexFaults(head: EntryRulesHead, entries: number): readonly ManifestFault[] {
  return head.filesIndex === undefined ? [] : differs('/filesIndex/entries', entries, head.filesIndex.entries);
}

function differs(path: string, fromEntries: unknown, declared: unknown): readonly ManifestFault[] {
  if (fromEntries === declared) return [];
  const expected = fromEntries === undefined ? 'nothing' : showValue(fromEntries);
  const got = declared === undefined ? 'nothing' : showValue(declared);
  return [{ path, message: `does not agree with the entries: expected ${expected}, got ${got}` }];
}

/**
 * Rules for a sequence of lake paths (format 2.3, 2.4): each safe, after the one before by path bytes, and none below
 * another. For the entries of a manifest and for those inside a bundle alike.
 */
export function createPathRules(): (lakePath: string) => readonly ManifestFault[] {
  let previous: string | undefined;
  /** Earlier paths that the next one may begin with. Paths that share a beginning stand together, so this stays short. */
  const beginnings: string[] = [];
  return (lakePath) => {
    const problem = lakePathFault(lakePath);
    if (problem !== undefined) return [pathFault(lakePath, problem)];
    const order = previous === undefined ? undefined : orderProblem(previous, lakePath);
    previous = lakePath;
    if (order !== undefined) return [pathFault(lakePath, order)];
    while (beginnings.length > 0 && !lakePath.startsWith(beginnings.at(-1) ?? '')) beginnings.pop();
    const parent = beginnings.length === 0 ? undefined : beginnings.find((one) => lakePath[one.length] === '/');
    beginnings.push(lakePath);
    return parent === undefined
      ? NONE
      : [pathFault(lakePath, `stands below ${showValue(parent)}, which is an entry too`)];
  };
}

function orderProblem(previous: string, lakePath: string): string | undefined {
  const order = comparePathBytes(previous, lakePath);
  if (order < 0) return undefined;
  return order === 0 ? 'stands twice' : `is out of order: it comes after ${showValue(previous)}`;
}

function pathFault(lakePath: string, problem: string): ManifestFault {
  return { path: '/path', message: `the path ${showValue(lakePath)} ${problem}` };
}

/** Bundles follow one another, payloads do not overlap, and every position lies inside what it points into. */
function createPlaceRules(bundles: readonly BundleFacts[]): (entry: FileEntry) => readonly ManifestFault[] {
  let bundle = 1;
  let tarEnd = 0;
  return (entry) => {
    const facts = bundles[entry.bundle - 1];
    if (facts === undefined || entry.bundle < bundle) {
      const expected = `a bundle from ${bundle} to ${bundles.length}`;
      return [{ path: '/bundle', message: `expected ${expected}, got ${entry.bundle}` }];
    }
    if (entry.bundle > bundle) tarEnd = 0;
    bundle = entry.bundle;
    const { offset, bytes, stored } = entry;
    const minOffset = tarEnd + TAR_BLOCK_BYTES;
    tarEnd = Math.ceil((offset + bytes) / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
    const isInside =
      offset >= minOffset &&
      offset + bytes <= facts.tarBytes &&
      stored.offset + stored.length <= facts.seekTable.offset;
    return isInside ? NONE : positionFaults(entry, facts, minOffset);
  };
}

function positionFaults(entry: FileEntry, facts: BundleFacts, minOffset: number): readonly ManifestFault[] {
  const faults: ManifestFault[] = [];
  const tarEnd = entry.offset + entry.bytes;
  const storedEnd = entry.stored.offset + entry.stored.length;
  if (entry.offset < minOffset) {
    faults.push({
      path: '/offset',
      message: `overlaps the entry before: expected at least ${minOffset}, got ${entry.offset}`,
    });
  }
  if (tarEnd > facts.tarBytes) {
    faults.push({ path: '/offset', message: outside('the tar stream', facts.tarBytes, tarEnd) });
  }
  if (storedEnd > facts.seekTable.offset) {
    faults.push({ path: '/stored', message: outside('the frames', facts.seekTable.offset, storedEnd) });
  }
  return faults;
}

function outside(what: string, limit: number, end: number): string {
  return `ends outside ${what}: expected at most ${limit}, got ${end}`;
}
