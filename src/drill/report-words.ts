/** Numbers, times and verdicts as the reports of a drill say them. Pure; the words of the command line are in `cli/`. */
import type {
  DrilledTable,
  DrillOutcome,
  DrillRecord,
  FingerprintLevel,
  TableDifference,
} from '../schema/drill-record.js';

/** `24,922`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 export`, `3 exports`. */
export function countedText(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}

/** `812 B`, `4.2 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${countText(Math.round(bytes))} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes / 1023.95) / 10) + 1);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] ?? ''}`;
}

/** `80 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `12 days 3 h`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 2 * 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} days ${Math.floor((minutes % 1_440) / 60)} h`;
}

/** `2025-10-11 08:00:05 UTC` from RFC 3339 in UTC. */
export function timeText(rfc3339: string): string {
  return rfc3339.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
}

export const LEVEL_NAMES: Readonly<Record<FingerprintLevel, string>> = {
  L0: 'rows',
  L1: 'keys',
  L2: 'values',
  L3: 'samples',
  L4: 'vectors',
};

export const LEVELS = ['L0', 'L1', 'L2', 'L3', 'L4'] as const satisfies readonly FingerprintLevel[];

export const DIFFERENCE_NAMES: Readonly<Record<TableDifference['reason'], string>> = {
  ROWS_DIFFER: 'rows differ',
  KEYS_DIFFER: 'keys differ',
  VALUES_DIFFER: 'a value differs',
  TYPES_DIFFER: 'a type differs',
  SAMPLES_DIFFER: 'a sampled row differs',
  VECTORS_DIFFER: 'a vector differs',
};

export const VERDICTS: Readonly<Record<DrillOutcome, string>> = {
  pass: 'The restore worked',
  fail: 'The restore failed',
  inconclusive: 'The drill could not be finished',
};

/** What was done, in one or two sentences. */
export function summaryOf(record: DrillRecord): string {
  const tables = record.stores.flatMap((store) => store.tables);
  const equal = tables.filter((table) => table.outcome === 'pass').length;
  const compared = record.stores.filter((store) => store.tables.length > 0);
  const inStores = `in ${countedText(compared.length, 'rebuilt store')}`;
  const missed = record.stores.filter((store) => store.tables.length === 0).map(({ name }) => name);
  const sentences = [
    ...(record.outcome === 'inconclusive' ? ['That says nothing against the archive, and nothing for it.'] : []),
    exportsText(record),
    tables.length === 0
      ? 'No derived store was compared.'
      : `${tablesText(equal, tables.length)} ${inStores} ${equal === 1 ? 'holds' : 'hold'} ${expectedText(tables)}.`,
    ...(tables.length === 0 || missed.length === 0 ? [] : [`Not compared: ${missed.join(', ')}.`]),
    ...(record.exportsLeft === 0 ? [] : [leftText(record.exportsLeft)]),
  ];
  return sentences.join(' ');
}

/** A table of which the exports say nothing is compared with the restored files, which says less. */
function expectedText(tables: readonly DrilledTable[]): string {
  const fromFiles = tables.filter((table) => table.expectedFrom === 'files').length;
  if (fromFiles === 0) return 'what the exports said when they were packed';
  if (fromFiles === tables.length) return 'what the restored files do; the exports say nothing of them';
  return `what the exports said when they were packed, or, ${countText(fromFiles)} of them, what the restored files do`;
}

/** `7 exports were left for another time by the budget.` */
export function leftText(count: number): string {
  return `${countedText(count, 'export')} ${count === 1 ? 'was' : 'were'} left for another time by the budget.`;
}

function exportsText({ exports }: DrillRecord): string {
  const proven = exports.filter((one) => one.proven).length;
  if (exports.length === 0) return 'No export was drilled.';
  if (proven < exports.length) {
    return `${proven === 0 ? 'None' : countText(proven)} of ${countedText(exports.length, 'export')} ${proven > 1 ? 'are' : 'is'} proven.`;
  }
  const all = proven === 1 ? 'The one export was' : `All ${countText(proven)} exports were`;
  return `${all} pulled, verified and restored, and every byte was compared.`;
}

function tablesText(equal: number, all: number): string {
  if (equal === all) return all === 1 ? 'The one table' : `All ${countText(all)} tables`;
  return `${countText(equal)} of ${countedText(all, 'table')}`;
}
