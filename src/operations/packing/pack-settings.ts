/** Makes the options of a pack whole: defaults, the lake's configuration, bounds. Decides nothing about data. */
import { realpath, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { readLakeConfig } from '../../config/lake-config.js';
import type { LakeConfig } from '../../config/contract.js';
import { parseInstant } from '../../base/duration.js';
import { LakepackError } from '../../base/errors.js';
import { CDN_BUNDLE_PAYLOAD_BYTES, DEFAULT_BUNDLE_PAYLOAD_BYTES, DEFAULT_LEVEL, MIB } from '../../base/limits.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { userStateDir } from '../../base/state-dir.js';
import { fromSystemError, unlessAbsent } from '../../base/system-errors.js';
import { MAX_LEVEL, MIN_LEVEL } from '../../codec/zstd.js';
import type { InspectMode } from '../../lake/inspect/inspector.js';
import type { UnsupportedPolicy } from '../../lake/file-policy.js';
import type { LakeSelect } from '../../lake/select.js';
import { parseWhere } from '../../lake/where-parser.js';
import type { Grouping } from '../../schema/export-manifest.js';
import type { PackOptions } from '../pack.js';
import type { LakeSelector } from '../selection.js';

export interface PackSettings {
  /** Absolute, links resolved. */
  readonly lake: string;
  /** As the user wrote it. */
  readonly lakeShown: string;
  readonly to: string;
  readonly config: LakeConfig;
  readonly select: LakeSelect;
  readonly by: Grouping;
  readonly level: number;
  readonly bundleSizeBytes: number;
  readonly concurrency: number;
  readonly licence: string | undefined;
  readonly note: string | undefined;
  readonly onChange: 'fail' | 'retry';
  readonly unsupported: UnsupportedPolicy;
  readonly inspect: InspectMode;
  readonly dryRun: boolean;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

const MIN_BUNDLE_BYTES = MIB;
const MAX_CONCURRENCY = 64;

/** Throws USAGE, CONFIG_INVALID, SELECTOR_INVALID, NOT_FOUND, LAKE_UNREADABLE. */
export async function settingsOfPack(options: PackOptions): Promise<PackSettings> {
  const lake = await lakeFolder(options.lake);
  const config = await readLakeConfig(lake);
  const profileBytes =
    (options.profile ?? config.pack.profile) === 'cdn' ? CDN_BUNDLE_PAYLOAD_BYTES : DEFAULT_BUNDLE_PAYLOAD_BYTES;
  return {
    lake,
    lakeShown: options.lake,
    to: options.to ?? lake,
    config,
    select: lakeSelect(options.select ?? {}, new Date()),
    by: options.by ?? config.pack.by ?? 'partition',
    level: within('level', options.level ?? config.pack.level ?? DEFAULT_LEVEL, MIN_LEVEL, MAX_LEVEL),
    bundleSizeBytes: within(
      'bundle size',
      options.bundleSizeBytes ?? config.pack.bundleSizeBytes ?? profileBytes,
      MIN_BUNDLE_BYTES,
      Number.MAX_SAFE_INTEGER,
    ),
    concurrency: within('concurrency', options.concurrency ?? availableParallelism(), 1, MAX_CONCURRENCY),
    licence: options.licence,
    note: options.note,
    onChange: options.onChange ?? 'fail',
    unsupported: options.unsupported ?? config.pack.unsupported ?? 'default',
    inspect: options.inspect ?? config.pack.inspect ?? 'full',
    dryRun: options.dryRun ?? false,
    stateDir: options.stateDir ?? userStateDir(),
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

/** The selection of a lake, parsed. @param now what ages such as `36h` count back from. */
export function lakeSelect(selector: LakeSelector, now: Date): LakeSelect {
  return {
    partitions: selector.partitions ?? [],
    datasets: selector.datasets ?? [],
    layers: selector.layers ?? [],
    run: selector.run,
    where: selector.where === undefined ? undefined : parseWhere(selector.where),
    since: selector.since === undefined ? undefined : parseInstant(selector.since, now),
  };
}

/** Throws NOT_FOUND, LAKE_UNREADABLE. */
export async function lakeFolder(lake: string): Promise<string> {
  try {
    const stats = await unlessAbsent(() => stat(lake));
    if (stats?.isDirectory() === true) return await realpath(path.resolve(lake));
    throw new LakepackError(
      'NOT_FOUND',
      `${lake}: ${stats === undefined ? 'there is no such folder' : 'is not a folder'}`,
      {
        hint: 'give the folder that holds the layers of the lake (bronze, silver, gold)',
      },
    );
  } catch (error) {
    throw fromSystemError(error, lake);
  }
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LakepackError('USAGE', `${name}: expected a whole number from ${least} to ${most}, got ${value}`);
}
