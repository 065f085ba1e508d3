/**
 * Keeps text that came from data from acting on a terminal. `base/paths.ts` shows a lone path; this is for whole
 * sentences, for JSON and for commands that a person may paste into a shell.
 */

/** Controls (C0, C1), bidirectional controls, line and paragraph separators, lone surrogates. */
const ACTIVE = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/gu;

/** The text with every character that could act on a terminal written as `\uXXXX`. One line stays one line. */
export function safeText(text: string): string {
  return text.replace(ACTIVE, escape);
}

/** As `safeText`, but keeps line breaks: for stack traces. */
export function safeLines(text: string): string {
  return text.split('\n').map(safeText).join('\n');
}

/** JSON whose strings cannot act on a terminal either: the escapes are valid JSON and mean the same. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(ACTIVE, (char) => (char === '\n' ? char : escape(char)));
}

/** A word as a POSIX shell must read it; `$'…'` (bash, zsh) only for what could act on a terminal. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.search(ACTIVE) === -1) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  return `$'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replace(ACTIVE, escape)}'`;
}

function escape(char: string): string {
  return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
