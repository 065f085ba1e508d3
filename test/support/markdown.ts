/** Reads out of Markdown what tests compare with the code: tables, headings, links. Not a Markdown parser. */

export interface Table {
  /** The nearest heading above. */
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function tablesOf(markdown: string): readonly Table[] {
  const tables: Table[] = [];
  let heading = '';
  let block: string[][] = [];
  const close = (): void => {
    const [header, , ...rows] = block;
    if (header !== undefined && rows.length > 0) tables.push({ heading, header, rows });
    block = [];
  };
  for (const line of proseLines(markdown)) {
    if (/^\s*\|/.test(line)) {
      block.push(cellsOf(line));
      continue;
    }
    close();
    heading = /^#+\s+(.*?)\s*$/.exec(line)?.[1] ?? heading;
  }
  close();
  return tables;
}

/** The codes in a table's first column, without their backticks; cells that are no code are left out. */
export function codesOf(table: Table): readonly string[] {
  return table.rows.flatMap(([first]) => /^`([^`]+)`$/.exec(first ?? '')?.[1] ?? []);
}

export function headingsOf(markdown: string): readonly string[] {
  return proseLines(markdown).flatMap((line) => /^#+\s+(.*?)\s*$/.exec(line)?.[1] ?? []);
}

/** Targets of links and images to files of this repository, without their `#…`. */
export function fileLinksOf(markdown: string): readonly string[] {
  const text = proseLines(markdown)
    .join('\n')
    .replace(/`[^`\n]*`/g, '');
  const inline = [...text.matchAll(/\]\(<?([^)>\s]+)>?(?:\s+"[^"]*")?\)/g)];
  const byReference = [...text.matchAll(/^\[[^\]]+\]:\s+<?([^\s>]+)>?/gm)];
  return [...inline, ...byReference]
    .map(([, target]) => decodeURI(target ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

/** The lines that are not inside a fenced block of code. */
function proseLines(markdown: string): readonly string[] {
  let fence: string | undefined;
  return markdown.split('\n').filter((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence === undefined) {
      fence = mark;
      return mark === undefined;
    }
    if (mark?.startsWith(fence) === true) fence = undefined;
    return false;
  });
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}
