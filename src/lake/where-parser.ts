/**
 * Reads the text of a `--where` expression. What an expression means is `where.ts`.
 *
 * ```
 * expression = conjunction { "or" conjunction }
 * conjunction = term { "and" term }
 * term = "not" term | "(" expression ")" | test
 * test = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *      | field "in" "(" value { "," value } ")"
 *      | field "like" value
 * ```
 *
 * Fields and values are words, or quoted with `'` or `"` (the quote itself is written twice). Keywords have no case.
 */
import { LakepackError } from '../base/errors.js';
import type { CompareOperator, Where } from './where.js';

/** An expression longer than this is refused. */
export const MAX_WHERE_LENGTH = 4_096;
const MAX_DEPTH = 64;

/** Throws SELECTOR_INVALID; the message has the position, from 1, the hint shows it with a caret. */
export function parseWhere(text: string): Where {
  if (text.length > MAX_WHERE_LENGTH) {
    const got = `got ${text.length}`;
    throw new LakepackError(
      'SELECTOR_INVALID',
      `where: is too long: expected at most ${MAX_WHERE_LENGTH} characters, ${got}`,
    );
  }
  const reader = new TokenReader(text);
  const where = readOr(reader, 0);
  if (reader.peek().type !== 'end') throw reader.unexpected('"and", "or" or the end');
  return where;
}

function readOr(reader: TokenReader, depth: number): Where {
  let left = readAnd(reader, depth);
  while (reader.takeKeyword('or')) left = { type: 'or', left, right: readAnd(reader, depth) };
  return left;
}

function readAnd(reader: TokenReader, depth: number): Where {
  let left = readTerm(reader, depth);
  while (reader.takeKeyword('and')) left = { type: 'and', left, right: readTerm(reader, depth) };
  return left;
}

function readTerm(reader: TokenReader, depth: number): Where {
  if (depth > MAX_DEPTH) throw reader.unexpected(`at most ${MAX_DEPTH} levels`);
  if (reader.takeKeyword('not')) return { type: 'not', part: readTerm(reader, depth + 1) };
  if (!reader.takeSign('(')) return readTest(reader);
  const inner = readOr(reader, depth + 1);
  reader.needSign(')');
  return inner;
}

function readTest(reader: TokenReader): Where {
  const field = reader.needText('a field');
  if (reader.takeKeyword('in')) return { type: 'in', field, values: readValues(reader) };
  if (reader.takeKeyword('like')) return { type: 'like', field, pattern: reader.needText('a pattern') };
  const operator = reader.needOperator();
  return { type: 'compare', field, operator, value: reader.needText('a value') };
}

function readValues(reader: TokenReader): readonly string[] {
  reader.needSign('(');
  const values = [reader.needText('a value')];
  while (reader.takeSign(',')) values.push(reader.needText('a value'));
  reader.needSign(')');
  return values;
}

interface Token {
  readonly type: 'word' | 'quoted' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const KEYWORDS = /^(and|or|not|in|like)$/i;
const OPERATORS: readonly string[] = ['=', '!=', '<', '<=', '>', '>='] satisfies readonly CompareOperator[];

function isOperator(text: string): text is CompareOperator {
  return OPERATORS.includes(text);
}

class TokenReader {
  readonly #text: string;
  #next: Token;

  constructor(text: string) {
    this.#text = text;
    this.#next = readToken(text, 0);
  }

  peek(): Token {
    return this.#next;
  }

  takeKeyword(keyword: string): boolean {
    return this.#takeIf(this.#next.type === 'word' && this.#next.text.toLowerCase() === keyword);
  }

  takeSign(sign: string): boolean {
    return this.#takeIf(this.#next.type === 'sign' && this.#next.text === sign);
  }

  needSign(sign: string): void {
    if (!this.takeSign(sign)) throw this.unexpected(`"${sign}"`);
  }

  needText(what: string): string {
    const { type, text } = this.#next;
    const isText = type === 'quoted' || (type === 'word' && !KEYWORDS.test(text));
    if (!this.#takeIf(isText)) throw this.unexpected(what);
    return text;
  }

  needOperator(): CompareOperator {
    const { type, text } = this.#next;
    if (type !== 'sign' || !isOperator(text)) throw this.unexpected('=, !=, <, <=, >, >=, in or like');
    this.#takeIf(true);
    return text;
  }

  unexpected(expected: string): LakepackError {
    const { type, text, at } = this.#next;
    return faultAt(this.#text, at, expected, type === 'end' ? 'the end' : `"${text}"`);
  }

  #takeIf(taken: boolean): boolean {
    if (taken) this.#next = readToken(this.#text, this.#next.at + lengthOf(this.#text, this.#next));
    return taken;
  }
}

/** Length in the text: of a quoted one with its quotes. */
function lengthOf(text: string, token: Token): number {
  return token.type === 'quoted' ? (QUOTED.exec(text.slice(token.at))?.[0].length ?? 0) : token.text.length;
}

const QUOTED = /^(?:'(?:[^']|'')*'|"(?:[^"]|"")*")/;
const SIGN = /^(?:<=|>=|!=|[=<>(),])/;
const WORD = /^[^\s()=<>!,'"]+/;

function readToken(text: string, from: number): Token {
  const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
  const rest = text.slice(at);
  if (rest === '') return { type: 'end', text: '', at };
  const quoted = QUOTED.exec(rest)?.[0];
  if (quoted !== undefined) return { type: 'quoted', text: unquote(quoted), at };
  const sign = SIGN.exec(rest)?.[0];
  if (sign !== undefined) return { type: 'sign', text: sign, at };
  const word = WORD.exec(rest)?.[0];
  if (word !== undefined) return { type: 'word', text: word, at };
  throw faultAt(
    text,
    at,
    /^['"]/.test(rest) ? 'a closing quote' : 'a field, an operator or a value',
    `"${rest.charAt(0)}"`,
  );
}

function unquote(quoted: string): string {
  const quote = quoted.charAt(0);
  return quoted.slice(1, -1).replaceAll(quote + quote, quote);
}

function faultAt(text: string, at: number, expected: string, got: string): LakepackError {
  const message = `where: position ${at + 1}: expected ${expected}, got ${printable(got)}`;
  return new LakepackError('SELECTOR_INVALID', message, { hint: `${printable(text)}\n${' '.repeat(at)}^` });
}

/** Character for character, so that a caret below stays where it belongs. */
function printable(text: string): string {
  return text.replace(/[\s\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, ' ');
}
