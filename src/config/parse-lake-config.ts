/**
 * The one place that reads the text of a `lakepack.config.json`. It answers for every fault being told with its path,
 * and for nothing unknown being passed over: a mistyped `licence` must not be found out in a published bundle.
 */
import { lakePathFault } from '../base/paths.js';
import { parseByteSize } from '../base/byte-size.js';
import type { DatasetConfig, LakeConfig, PackDefaults } from './contract.js';
import {
  asObject,
  checkKeys,
  choiceOf,
  type FaultList,
  invalid,
  join,
  type Json,
  parseJson,
  show,
  textOf,
  withoutAbsent,
} from './json-fields.js';

/** `remotes` is read by `remotes-config.ts`, which knows how far the file is trusted. */
export const ROOT_KEYS = ['$schema', 'licence', 'note', 'datasets', 'pack', 'remotes'];
const DATASET_KEYS = ['licence', 'note'];
const PACK_KEYS = ['by', 'level', 'bundleSize', 'profile', 'unsupported', 'inspect'];
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
    by: choiceOf(fields, 'by', 'pack', GROUPINGS, faults),
    level: levelOf(fields, faults),
    bundleSizeBytes: bundleSizeOf(fields, faults),
    profile: choiceOf(fields, 'profile', 'pack', ['default', 'cdn'] as const, faults),
    unsupported: choiceOf(fields, 'unsupported', 'pack', ['default', 'refuse', 'skip'] as const, faults),
    inspect: choiceOf(fields, 'inspect', 'pack', ['full', 'quick'] as const, faults),
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
