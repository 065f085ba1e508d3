/** The part of a document that is made from a results file, between two marks. Pure. */

const BEGIN = /^<!-- results: (?<file>\S+)[^\n]*-->\n/m;
const END = '<!-- end of results -->';

/** Which results file the document shows (`none` at first), and what it shows of it. */
export function shownResults(document: string): { readonly file: string; readonly report: string } {
  const { file, start, end } = findBlock(document);
  return { file, report: document.slice(start, end).trim() + '\n' };
}

export function replaceResults(document: string, file: string, report: string): string {
  const { begin, end } = findBlock(document);
  const mark = `<!-- results: ${file} (written by bench/report.ts, not by hand) -->`;
  return `${document.slice(0, begin)}${mark}\n\n${report.trim()}\n\n${document.slice(end)}`;
}

function findBlock(document: string) {
  const match = BEGIN.exec(document);
  const end = document.indexOf(END);
  if (match === null || end < match.index) throw new Error('the document has no marks for results');
  return { begin: match.index, start: match.index + match[0].length, end, file: match.groups!['file']! };
}
