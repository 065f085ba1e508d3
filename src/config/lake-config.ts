/**
 * What `lakepack.config.json` in the root of a lake says about the lake: licences and notes that go into exports,
 * and defaults for packing. The reading of its text is `parse-lake-config.ts`.
 */
import path from 'node:path';
import { readConfigText } from './config-text.js';
import type { DatasetConfig, LakeConfig } from './contract.js';
import { parseLakeConfig } from './parse-lake-config.js';

export type { DatasetConfig, LakeConfig, PackDefaults } from './contract.js';

export const LAKE_CONFIG_NAME = 'lakepack.config.json';

export const EMPTY_LAKE_CONFIG: LakeConfig = { datasets: new Map(), pack: {} };

/** The lake's configuration; empty when there is none. @throws CONFIG_INVALID, PERMISSION_DENIED, REMOTE_UNAVAILABLE. */
export async function readLakeConfig(lakeRoot: string): Promise<LakeConfig> {
  const file = path.join(lakeRoot, LAKE_CONFIG_NAME);
  const text = await readConfigText(file, LAKE_CONFIG_NAME);
  return text === undefined ? EMPTY_LAKE_CONFIG : parseLakeConfig(text, LAKE_CONFIG_NAME);
}

/**
 * The licence and note of a dataset, each on its own from the most exact place that has one: `<layer>/<dataset>`,
 * `<dataset>`, then the whole lake.
 */
export function licenceAndNote(
  config: LakeConfig,
  layer: string | undefined,
  dataset: string | undefined,
): DatasetConfig {
  const exact = layer === undefined || dataset === undefined ? undefined : config.datasets.get(`${layer}/${dataset}`);
  const named = dataset === undefined ? undefined : config.datasets.get(dataset);
  const licence = exact?.licence ?? named?.licence ?? config.licence;
  const note = exact?.note ?? named?.note ?? config.note;
  return { ...(licence === undefined ? {} : { licence }), ...(note === undefined ? {} : { note }) };
}
