/** Decides which entries of an export go into which bundle (format 4.8). It reads the scan, not the files. */
import { needsSha256sumEscape } from '../../bundle/bag.js';
import type { SourceEntry, SourceEntryList } from '../../lake/contract.js';

export interface PlannedBundle {
  /** From 1. */
  readonly number: number;
  /** Index of the first entry in the list of the export. */
  readonly first: number;
  readonly entries: number;
  readonly payloadBytes: number;
  /** What counts against the limit: payload, headers and lists. */
  readonly weight: number;
  readonly hasOddNames: boolean;
  readonly hasFiles: boolean;
}

/** Header, padding, and the entry's lines in three lists; its path stands in each, and in the header. */
const ENTRY_BYTES = 1_024;
const PATHS_PER_ENTRY = 4;

/** At least one bundle; each holds at least one entry, and no more than `limitBytes` unless one file alone is larger. */
export async function planBundles(entries: SourceEntryList, limitBytes: number): Promise<PlannedBundle[]> {
  const bundles: PlannedBundle[] = [];
  let index = 0;
  for await (const entry of entries) {
    const last = bundles.at(-1);
    if (last === undefined || (last.entries > 0 && last.weight + weightOf(entry) > limitBytes)) {
      bundles.push({ number: bundles.length + 1, first: index, ...counts(entry, undefined) });
    } else {
      bundles[bundles.length - 1] = { ...last, ...counts(entry, last) };
    }
    index += 1;
  }
  return bundles;
}

function counts(entry: SourceEntry, before: PlannedBundle | undefined): Omit<PlannedBundle, 'number' | 'first'> {
  return {
    entries: (before?.entries ?? 0) + 1,
    payloadBytes: (before?.payloadBytes ?? 0) + entry.bytes,
    weight: (before?.weight ?? 0) + weightOf(entry),
    hasFiles: (before?.hasFiles ?? false) || entry.type === 'file',
    hasOddNames: (before?.hasOddNames ?? false) || needsSha256sumEscape(entry.path),
  };
}

function weightOf(entry: SourceEntry): number {
  return entry.bytes + ENTRY_BYTES + PATHS_PER_ENTRY * Buffer.byteLength(entry.path);
}

/** More than a bundle with this payload can ever store: tar headers, PAX records, tag files, frame overhead. */
export function storedBytesBound(planned: PlannedBundle): number {
  const perEntry = 16 * 1024;
  return Math.ceil((planned.payloadBytes + planned.entries * perEntry + 1024 * 1024) * 1.001);
}

/** Walks a list of entries bundle by bundle; going forward costs nothing, going back starts the list again. */
export class EntryCursor {
  readonly #list: SourceEntryList;
  #iterator: AsyncIterator<SourceEntry> | undefined;
  #position = 0;

  constructor(list: SourceEntryList) {
    this.#list = list;
  }

  async *take(first: number, count: number): AsyncGenerator<SourceEntry> {
    if (this.#iterator === undefined || this.#position > first) {
      await this.#iterator?.return?.();
      this.#iterator = this.#list[Symbol.asyncIterator]();
      this.#position = 0;
    }
    while (this.#position < first + count) {
      const next = await this.#iterator.next();
      if (next.done === true) return;
      this.#position += 1;
      if (this.#position > first) yield next.value;
    }
  }
}
