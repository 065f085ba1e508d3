/** Aligned columns of plain text. Cells are made safe for a terminal here, so that no caller can forget. */
import { safeText } from './safe-text.js';
import type { Style } from './style.js';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'right';
  readonly cell: (row: Row) => string;
  /** Colours a padded cell. */
  readonly paint?: (row: Row, text: string) => string;
}

/** The lines of a table with a heading. */
export function tableLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): string[] {
  const cells = rows.map((row) => columns.map((column) => safeText(column.cell(row))));
  const widths = columns.map((column, index) =>
    cells.reduce((width, row) => Math.max(width, widthOf(row[index] ?? '')), widthOf(column.title)),
  );
  const heading = columns.map((column, index) => style.dim(pad(column.title, widths[index] ?? 0, column.align)));
  const body = rows.map((row, line) =>
    columns.map((column, index) => {
      const text = pad(cells[line]?.[index] ?? '', widths[index] ?? 0, column.align);
      return column.paint?.(row, text) ?? text;
    }),
  );
  return [heading, ...body].map((line) => line.join('  ').trimEnd());
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
