/**
 * The one place that reads the text of a `lakepack.config.json`. It answers for every fault being told with its path,
 * and for nothing unknown being passed over: a mistyped `licence` must not be found out in a published bundle.
 */
import { LakepackError } from '../base/errors.js';
import { lakePathFault, showPath } from '../base/paths.js';
import { parseByteSize } from '../base/byte-size.js';
import type { DatasetConfig, LakeConfig, PackDefaults } from './contract.js';
import { nearestKey } from './nearest-key.js';

interface Fault {
  readonly path: string;
  readonly says: string;
  readonly hint?: string;
}

type Json = Readonly<Record<string, unknown>>;
type FaultList = Fault[];

const ROOT_KEYS = ['$schema', 'licence', 'note', 'datasets', 'pack'];
const DATASET_KEYS = ['licence', 'note'];
const PACK_KEYS = ['by', 'level', 'bundleSize', 'profile', 'unsupported', 'inspect'];
const MAX_TEXT_LENGTH = 10_000;
const GROUPINGS = ['partition', 'run', 'dataset', 'layer', 'lake'] as const;

/** `subject` is the file, as a reader knows it. @throws CONFIG_INVALID with every fault. */
export function parseLakeConfig(text: string, subject: string): LakeConfig {
  const faults: FaultList = [];
  const root = asObject(parseJson(text, subject), '', faults);
  checkKeys(root, '', ROOT_KEYS, faults);
  textOf(root, '$schema', '', faults);
  const config: LakeConfig = {
    ...licenceAndNoteOf(root, '', faults),
    datasets: datasetsOf(root['datasets'], faults),
    pack: packOf(root['pack'], faults),
  };
  if (faults.length > 0) throw invalid(subject, faults);
  return config;
}

function parseJson(text: string, subject: string): unknown {
  try {
    // An editor may have written a byte order mark.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new LakepackError('CONFIG_INVALID', `${subject}: is not JSON: ${(error as SyntaxError).message}`, {
      cause: error,
      hint: 'JSON has no comments and no comma after the last item',
    });
  }
}

function datasetsOf(value: unknown, faults: FaultList): ReadonlyMap<string, DatasetConfig> {
  if (value === undefined) return new Map();
  const entries = Object.entries(asObject(value, 'datasets', faults));
  return new Map(
    entries.map(([name, dataset]): [string, DatasetConfig] => {
      const at = join('datasets', name);
      if (lakePathFault(name) !== undefined || name.split('/').length > 2) {
        faults.push({ path: at, says: 'expected "<dataset>" or "<layer>/<dataset>" as the key' });
      }
      const fields = asObject(dataset, at, faults);
      checkKeys(fields, at, DATASET_KEYS, faults);
      return [name, licenceAndNoteOf(fields, at, faults)];
    }),
  );
}

function packOf(value: unknown, faults: FaultList): PackDefaults {
  if (value === undefined) return {};
  const fields = asObject(value, 'pack', faults);
  checkKeys(fields, 'pack', PACK_KEYS, faults);
  return withoutAbsent({
    by: choiceOf(fields, 'by', GROUPINGS, faults),
    level: levelOf(fields, faults),
    bundleSizeBytes: bundleSizeOf(fields, faults),
    profile: choiceOf(fields, 'profile', ['default', 'cdn'] as const, faults),
    unsupported: choiceOf(fields, 'unsupported', ['default', 'refuse', 'skip'] as const, faults),
    inspect: choiceOf(fields, 'inspect', ['full', 'quick'] as const, faults),
  });
}

function levelOf(fields: Json, faults: FaultList): number | undefined {
  const { level } = fields;
  if (level === undefined) return undefined;
  if (typeof level === 'number' && Number.isInteger(level) && level >= 1 && level <= 19) return level;
  faults.push({ path: 'pack.level', says: `expected a whole number from 1 to 19, got ${show(level)}` });
  return undefined;
}

function bundleSizeOf(fields: Json, faults: FaultList): number | undefined {
  const { bundleSize } = fields;
  if (bundleSize === undefined) return undefined;
  const isText = typeof bundleSize === 'string';
  const bytes = isText || typeof bundleSize === 'number' ? parseByteSize(String(bundleSize)) : undefined;
  const isWhole = isText || Number.isSafeInteger(bundleSize);
  if (bytes !== undefined && isWhole) return bytes;
  const got = show(bundleSize);
  faults.push({
    path: 'pack.bundleSize',
    says: `expected a size such as "4GiB", "500MB" or a number of bytes, got ${got}`,
  });
  return undefined;
}

function licenceAndNoteOf(fields: Json, path: string, faults: FaultList): DatasetConfig {
  return withoutAbsent({
    licence: textOf(fields, 'licence', path, faults),
    note: textOf(fields, 'note', path, faults),
  });
}

function textOf(fields: Json, key: string, path: string, faults: FaultList): string | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH) return value;
  const says = `expected a text of 1 to ${MAX_TEXT_LENGTH} characters, got ${show(value)}`;
  faults.push({ path: join(path, key), says });
  return undefined;
}

function choiceOf<T extends string>(
  fields: Json,
  key: string,
  choices: readonly T[],
  faults: FaultList,
): T | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) {
    faults.push({ path: `pack.${key}`, says: `expected one of ${choices.join(', ')}, got ${show(value)}` });
  }
  return choice;
}

function checkKeys(fields: Json, path: string, known: readonly string[], faults: FaultList): void {
  for (const key of Object.keys(fields).filter((one) => !known.includes(one))) {
    const nearest = nearestKey(key, known);
    const hint = nearest === undefined ? `known keys are ${known.join(', ')}` : `did you mean ${join(path, nearest)}?`;
    faults.push({ path: join(path, key), says: 'is not a known key', hint });
  }
}

function asObject(value: unknown, path: string, faults: FaultList): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  faults.push({ path: path === '' ? 'the file' : path, says: `expected an object, got ${show(value)}` });
  return {};
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function join(path: string, key: string): string {
  const shown = showPath(key);
  const quoted = /^[\w$-]+$/.test(key) || shown.startsWith('"') ? shown : JSON.stringify(key);
  return path === '' ? quoted : `${path}.${quoted}`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function invalid(subject: string, faults: readonly Fault[]): LakepackError {
  const says = faults.map(({ path, says: fault }) => `${path}: ${fault}`).join('; ');
  const hints = faults.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  return new LakepackError('CONFIG_INVALID', `${subject}: ${says}`, {
    ...(hints.length === 0 ? {} : { hint: [...new Set(hints)].join('; ') }),
  });
}
