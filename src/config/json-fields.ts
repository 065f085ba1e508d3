/**
 * Reads the fields of a JSON configuration one by one, and gathers what is wrong with them: every fault with its path,
 * nothing unknown passed over. It does not know what the fields mean.
 */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { nearestKey } from './nearest-key.js';

export interface Fault {
  readonly path: string;
  readonly says: string;
  readonly hint?: string;
}

export type Json = Readonly<Record<string, unknown>>;
export type FaultList = Fault[];

const MAX_TEXT_LENGTH = 10_000;

export function parseJson(text: string, subject: string): unknown {
  try {
    // An editor may have written a byte order mark.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    // V8 quotes the text around the fault, where a key may stand that belongs elsewhere: neither shown nor kept.
    const says = (error as SyntaxError).message.replace(/(, )?(\.\.\.)?"[^]*$/, '');
    throw new LakepackError('CONFIG_INVALID', `${subject}: is not JSON: ${says}`, {
      hint: 'JSON has no comments and no comma after the last item',
    });
  }
}

export function textOf(fields: Json, key: string, path: string, faults: FaultList): string | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH) return value;
  const says = `expected a text of 1 to ${MAX_TEXT_LENGTH} characters, got ${show(value)}`;
  faults.push({ path: join(path, key), says });
  return undefined;
}

export function choiceOf<T extends string>(
  fields: Json,
  key: string,
  path: string,
  choices: readonly T[],
  faults: FaultList,
): T | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) {
    faults.push({ path: join(path, key), says: `expected one of ${choices.join(', ')}, got ${show(value)}` });
  }
  return choice;
}

export function checkKeys(fields: Json, path: string, known: readonly string[], faults: FaultList): void {
  for (const key of Object.keys(fields).filter((one) => !known.includes(one))) {
    const nearest = nearestKey(key, known);
    const hint = nearest === undefined ? `known keys are ${known.join(', ')}` : `did you mean ${join(path, nearest)}?`;
    faults.push({ path: join(path, key), says: 'is not a known key', hint });
  }
}

export function asObject(value: unknown, path: string, faults: FaultList): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  faults.push({ path: path === '' ? 'the file' : path, says: `expected an object, got ${show(value)}` });
  return {};
}

export function withoutAbsent<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export function join(path: string, key: string): string {
  const shown = showPath(key);
  const quoted = /^[\w$-]+$/.test(key) || shown.startsWith('"') ? shown : JSON.stringify(key);
  return path === '' ? quoted : `${path}.${quoted}`;
}

export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function invalid(subject: string, faults: readonly Fault[]): LakepackError {
  const says = faults.map(({ path, says: fault }) => `${path}: ${fault}`).join('; ');
  const hints = faults.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  return new LakepackError('CONFIG_INVALID', `${subject}: ${says}`, {
    ...(hints.length === 0 ? {} : { hint: [...new Set(hints)].join('; ') }),
  });
}
