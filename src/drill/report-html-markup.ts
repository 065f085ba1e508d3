/**
 * Markup for the HTML report: the one way text gets into a page. A `Markup` was made here; everything else is text that
 * came from data, and is escaped. Nothing from data can act on the page, nor hide what stands beside it.
 */

/** Controls, bidirectional controls, line and paragraph separators, lone surrogates: shown, not obeyed. */
const ACTIVE = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupPart = Markup | string | number | readonly MarkupPart[];

/** A template: what stands between its strings is escaped unless it is markup. */
export function html(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  const filled = strings.map((text, index) => text + (index < parts.length ? markupText(parts[index] ?? '') : ''));
  return new Markup(filled.join(''));
}

/** Text that stands in a page or in an attribute as what it is. */
export function escapeHtml(text: string): string {
  const visible = text.replace(ACTIVE, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
  return visible.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

export const NOTHING = new Markup('');

function markupText(part: MarkupPart): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(markupText).join('');
  return escapeHtml(String(part));
}
