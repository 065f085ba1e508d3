/** The parts of a document that are made from something measured, each between two marks. Pure. */

/** What a part shows: the tables of a results file, its chart, the profile of one command. */
export type PartName = 'results' | 'chart' | `profile ${string}`;

/** Which results file or date the document shows there (`none` at first), and what it shows of it. */
export function shownPart(document: string, part: PartName): { readonly source: string; readonly text: string } {
  const { source, start, end } = findPart(document, part);
  return { source, text: document.slice(start, end).trim() + '\n' };
}

export function replacePart(document: string, part: PartName, source: string, text: string): string {
  const { begin, end } = findPart(document, part);
  const mark = `<!-- ${part}: ${source} (written by bench/, not by hand) -->`;
  return `${document.slice(0, begin)}${mark}\n\n${text.trim()}\n\n${document.slice(end)}`;
}

function findPart(document: string, part: PartName) {
  const match = new RegExp(`^<!-- ${part}: (?<source>\\S+)[^\\n]*-->\\n`, 'm').exec(document);
  const end = document.indexOf(`<!-- end of ${part} -->`);
  if (match === null || end < match.index) throw new Error(`the document has no marks for: ${part}`);
  return { begin: match.index, start: match.index + match[0].length, end, source: match.groups!['source']! };
}
