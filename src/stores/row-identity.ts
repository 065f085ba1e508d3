/** By what a row of one reading is found in another: its key; a row without key is its own identity. */
import { cellWriter, joinCells, keyWriter } from './canonical-cell.js';
import type { Cell, RowBatch, TableSpec } from './contract.js';
import { type Digest, digestOf } from './digest-sum.js';

export interface IdentifiedRow {
  readonly identity: string;
  readonly identityDigest: Digest;
  /** Of all columns, the vector too. */
  readonly digest: Digest;
  /** Copies, in the order of the table's columns: a batch may be a window into memory that is used again. */
  cells(): readonly Cell[];
}

export function rowIdentifier(spec: TableSpec): (batch: RowBatch, row: number) => IdentifiedRow {
  const writers = spec.columns.map(({ type }) => cellWriter(type));
  const keyText = keyWriter(spec);
  return (batch, row) => {
    const digest = digestOf(joinCells(writers.map((write, at) => write(batch.columns[at]?.[row] ?? null))));
    // The digest stands for a row without key: rows can be large, and many.
    const identity = spec.keys.length === 0 ? Buffer.from(digest, 'latin1').toString('hex') : keyText(batch, row);
    const identityDigest = spec.keys.length === 0 ? digest : digestOf(identity);
    return {
      identity,
      identityDigest,
      digest,
      cells: () => spec.columns.map((_, at) => copyOf(batch.columns[at]?.[row])),
    };
  };
}

function copyOf(cell: Cell | undefined): Cell {
  if (cell instanceof Uint8Array || cell instanceof Float32Array) return cell.slice();
  return cell ?? null;
}
