/** Long lists are cut for a person's sake, and say so. */
import { formatCounted } from './units.js';

const ROWS_SHOWN = 20;

export interface LimitedRows<Row> {
  readonly shown: readonly Row[];
  /** What to print under the list: empty, or one line. */
  readonly rest: readonly string[];
}

export function limitRows<Row>(rows: readonly Row[], verbose: boolean): LimitedRows<Row> {
  const cut = rows.length - ROWS_SHOWN;
  // A list that is one row too long is shown: the line that says so would take its place.
  if (verbose || cut <= 1) return { shown: rows, rest: [] };
  return {
    shown: rows.slice(0, ROWS_SHOWN),
    rest: [`… and ${formatCounted(cut, 'more', 'more')} (--verbose shows all)`],
  };
}
