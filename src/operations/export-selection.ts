/** Finds the exports of an archive that a caller's selector means. Shared by every operation that reads an archive. */
import type { Archive } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { refOfWholeName, selectExports } from '../archive/select-exports.js';
import { parseAsOf } from '../base/duration.js';
import { isLakepackError } from '../base/errors.js';
import type { PartitionFacts } from '../lake/contract.js';
import { matchesSelect } from '../lake/select.js';
import { parseWhere } from '../lake/where-parser.js';
import type { ExportSelector } from './selection.js';

/** Throws SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND, ARCHIVE_UNSUPPORTED; what the archive throws. @param now for ages in `asOf`. */
export async function findExports(
  archive: Archive,
  selector: ExportSelector,
  signal: AbortSignal | undefined,
  now: Date = new Date(),
): Promise<ExportRef[]> {
  const matches = factsFilter(selector);
  const before = selector.asOf === undefined ? undefined : parseAsOf(selector.asOf, now);
  const names = selector.exports ?? [];
  const all = await listedOrNamed(archive, names, signal);
  return selectExports(all, { names, history: selector.history ?? false, before, matches }, archive.url);
}

/** Every export; where an archive cannot be listed, those that are named whole. Whether they are there, a read will tell. */
async function listedOrNamed(
  archive: Archive,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly ExportRef[]> {
  const all: ExportRef[] = [];
  try {
    for await (const ref of archive.list({ ...(signal && { signal }) })) all.push(ref);
    return all;
  } catch (error) {
    const named = names.flatMap((name) => refOfWholeName(name) ?? []);
    if (!isLakepackError(error, 'ARCHIVE_UNSUPPORTED') || named.length === 0 || named.length < names.length)
      throw error;
    return named;
  }
}

function factsFilter(selector: ExportSelector): (facts: PartitionFacts) => boolean {
  const { layers = [], datasets = [], runs = [] } = selector;
  const where = selector.where === undefined ? undefined : parseWhere(selector.where);
  const select = { partitions: [], datasets, layers, run: undefined, where, since: undefined };
  return (facts) =>
    matchesSelect(select, facts.path, facts) &&
    (runs.length === 0 || (facts.runId !== undefined && runs.includes(facts.runId)));
}
