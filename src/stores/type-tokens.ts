/** Cuts the text of an SQL type into words, quoted names, numbers and signs. */

export interface TypeToken {
  readonly kind: 'word' | 'quoted' | 'number' | 'sign';
  readonly text: string;
}

const TOKEN = /\s*(?:([A-Za-z_]\w*)|"((?:[^"]|"")+)"|(\d{1,9})|([()[\],]))\s*/y;

/** Undefined where a part of the text is none of them. */
export function typeTokens(text: string): readonly TypeToken[] | undefined {
  const tokens: TypeToken[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push(tokenOf(match));
  }
  return tokens;
}

function tokenOf([, word, quoted, number, sign]: RegExpExecArray): TypeToken {
  if (word !== undefined) return { kind: 'word', text: word };
  if (quoted !== undefined) return { kind: 'quoted', text: quoted.replaceAll('""', '"') };
  if (number !== undefined) return { kind: 'number', text: number };
  return { kind: 'sign', text: sign ?? '' };
}
