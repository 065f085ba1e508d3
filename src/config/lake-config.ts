/**
 * What `lakepack.config.json` in the root of a lake says about the lake: licences and notes that go into exports,
 * and defaults for packing. The reading of its text is `parse-lake-config.ts`.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import type { DatasetConfig, LakeConfig } from './contract.js';
import { parseLakeConfig } from './parse-lake-config.js';

export type { DatasetConfig, LakeConfig, PackDefaults } from './contract.js';

export const LAKE_CONFIG_NAME = 'lakepack.config.json';
const MAX_CONFIG_BYTES = 1 * MIB;

export const EMPTY_LAKE_CONFIG: LakeConfig = { datasets: new Map(), pack: {} };

/** The lake's configuration; empty when there is none. @throws CONFIG_INVALID, PERMISSION_DENIED, REMOTE_UNAVAILABLE. */
export async function readLakeConfig(lakeRoot: string): Promise<LakeConfig> {
  const file = path.join(lakeRoot, LAKE_CONFIG_NAME);
  const bytes = await onDisk(LAKE_CONFIG_NAME, () => unlessAbsent(() => readBounded(file)));
  return bytes === undefined ? EMPTY_LAKE_CONFIG : parseLakeConfig(decode(bytes), LAKE_CONFIG_NAME);
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

async function readBounded(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw invalid('is not a file');
    if (found.size > MAX_CONFIG_BYTES) {
      throw invalid(`is too large: expected at most ${MAX_CONFIG_BYTES} bytes, got ${found.size}`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new LakepackError('CONFIG_INVALID', `${LAKE_CONFIG_NAME}: is not UTF-8`, { cause: error });
  }
}

function invalid(fault: string): LakepackError {
  return new LakepackError('CONFIG_INVALID', `${LAKE_CONFIG_NAME}: ${fault}`);
}
