/** Finds the exports of an archive that a caller's selector means. Shared by every operation that reads an archive. */
import type { Archive } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { selectExports } from '../archive/select-exports.js';
import { parseAsOf } from '../base/duration.js';
import type { PartitionFacts } from '../lake/contract.js';
import { matchesSelect } from '../lake/select.js';
import { parseWhere } from '../lake/where-parser.js';
import type { ExportSelector } from './selection.js';

/** Throws SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND; what the archive throws. @param now for ages in `asOf`. */
export async function findExports(
  archive: Archive,
  selector: ExportSelector,
  signal: AbortSignal | undefined,
  now: Date = new Date(),
): Promise<ExportRef[]> {
  const matches = factsFilter(selector);
  const before = selector.asOf === undefined ? undefined : parseAsOf(selector.asOf, now);
  const all: ExportRef[] = [];
  for await (const ref of archive.list({ ...(signal && { signal }) })) all.push(ref);
  const conditions = { names: selector.exports ?? [], history: selector.history ?? false, before, matches };
  return selectExports(all, conditions, archive.url);
}

function factsFilter(selector: ExportSelector): (facts: PartitionFacts) => boolean {
  const { layers = [], datasets = [], runs = [] } = selector;
  const where = selector.where === undefined ? undefined : parseWhere(selector.where);
  const select = { partitions: [], datasets, layers, run: undefined, where, since: undefined };
  return (facts) =>
    matchesSelect(select, facts.path, facts) &&
    (runs.length === 0 || (facts.runId !== undefined && runs.includes(facts.runId)));
}
