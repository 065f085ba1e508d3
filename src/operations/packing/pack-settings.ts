/** Makes the options of a pack whole: defaults, the lake's configuration, bounds. Decides nothing about data. */
import { availableParallelism } from 'node:os';
import { readLakeConfig } from '../../config/lake-config.js';
import type { LakeConfig } from '../../config/contract.js';
import type { ArchivePlace } from '../../archive/archive.js';
import { LakepackError } from '../../base/errors.js';
import { CDN_BUNDLE_PAYLOAD_BYTES, DEFAULT_BUNDLE_PAYLOAD_BYTES, DEFAULT_LEVEL, MIB } from '../../base/limits.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { userStateDir } from '../../base/state-dir.js';
import { MAX_LEVEL, MIN_LEVEL } from '../../codec/zstd.js';
import type { InspectMode } from '../../lake/inspect/inspector.js';
import type { UnsupportedPolicy } from '../../lake/file-policy.js';
import type { LakeSelect } from '../../lake/select.js';
import type { Grouping } from '../../schema/export-manifest.js';
import { lakeFolder, lakeSelect } from '../lake-selection.js';
import type { PackOptions } from './contract.js';

export interface PackSettings {
  /** Absolute, links resolved. */
  readonly lake: string;
  /** As the user wrote it. */
  readonly lakeShown: string;
  readonly to: ArchivePlace;
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
      options.bundleSizeBytes ?? bundleSizeOf(options.profile) ?? configuredBundleSize(config),
      MIN_BUNDLE_BYTES,
      Number.MAX_SAFE_INTEGER,
    ),
    concurrency: within('concurrency', options.concurrency ?? availableParallelism(), 1, MAX_CONCURRENCY),
    licence: textWithin('licence', options.licence),
    note: textWithin('note', options.note),
    onChange: options.onChange ?? 'fail',
    unsupported: options.unsupported ?? config.pack.unsupported ?? 'default',
    inspect: options.inspect ?? config.pack.inspect ?? 'full',
    dryRun: options.dryRun ?? false,
    stateDir: options.stateDir ?? userStateDir(),
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

/** What a caller says goes first, also a profile before a size of the configuration. */
function configuredBundleSize({ pack }: LakeConfig): number {
  return pack.bundleSizeBytes ?? bundleSizeOf(pack.profile) ?? DEFAULT_BUNDLE_PAYLOAD_BYTES;
}

function bundleSizeOf(profile: PackOptions['profile']): number | undefined {
  if (profile === undefined) return undefined;
  return profile === 'cdn' ? CDN_BUNDLE_PAYLOAD_BYTES : DEFAULT_BUNDLE_PAYLOAD_BYTES;
}

/** As the manifest's schema bounds it. */
const MAX_TEXT = 65_536;

function textWithin(name: string, text: string | undefined): string | undefined {
  if (text === undefined || text.length <= MAX_TEXT) return text;
  throw new LakepackError('USAGE', `${name}: too long: expected at most ${MAX_TEXT} characters, got ${text.length}`);
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LakepackError('USAGE', `${name}: expected a whole number from ${least} to ${most}, got ${value}`);
}
