/** Makes the options of a pack whole: defaults, the lake's configuration, bounds. Decides nothing about data. */
import { availableParallelism } from 'node:os';
import { readLakeConfig } from '../../config/lake-config.js';
import type { LakeConfig } from '../../config/contract.js';
import type { ArchivePlace } from '../../archive/archive.js';
import type { ProofMode } from '../../archive/contract.js';
import { LakepackError } from '../../base/errors.js';
import { CDN_BUNDLE_PAYLOAD_BYTES, DEFAULT_BUNDLE_PAYLOAD_BYTES, DEFAULT_LEVEL, MIB } from '../../base/limits.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { userStateDir } from '../../base/state-dir.js';
import { MAX_LEVEL, MIN_LEVEL } from '../../codec/zstd.js';
import type { InspectMode } from '../../lake/inspect/inspector.js';
import type { UnsupportedPolicy } from '../../lake/file-policy.js';
import type { LakeSelect } from '../../lake/select.js';
import type { Grouping } from '../../schema/export-manifest.js';
import { lakeFolder, lakeSelect } from '../lake-selection.js';
import type { PackOptions } from './contract.js';
import type { ExportFingerprinter } from './export-fingerprints.js';

export interface PackSettings {
  /** Absolute, links resolved. */
  readonly lake: string;
  /** As the user wrote it. */
  readonly lakeShown: string;
  readonly to: ArchivePlace;
  /** The other archives, to be transferred to. */
  readonly copyTo: readonly ArchivePlace[];
  readonly removeSource: boolean;
  /** Archives in which an export must be proven before its files are removed. */
  readonly copies: number;
  readonly config: LakeConfig;
  readonly select: LakeSelect;
  readonly by: Grouping;
  readonly level: number;
  readonly bundleSizeBytes: number;
  readonly concurrency: number;
  readonly licence: string | undefined;
  readonly note: string | undefined;
  readonly proof: ProofMode;
  readonly onChange: 'fail' | 'retry';
  readonly unsupported: UnsupportedPolicy;
  readonly inspect: InspectMode;
  readonly fingerprint: ExportFingerprinter | undefined;
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
  const [to = lake, ...copyTo] = placesOf(options.to);
  const copies = copiesOf(options, 1 + copyTo.length);
  return {
    lake,
    lakeShown: options.lake,
    to,
    copyTo,
    removeSource: options.removeSource ?? false,
    copies,
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
    proof: options.proof ?? 'auto',
    onChange: options.onChange ?? 'fail',
    unsupported: options.unsupported ?? config.pack.unsupported ?? 'default',
    inspect: options.inspect ?? config.pack.inspect ?? 'full',
    fingerprint: options.fingerprint,
    dryRun: options.dryRun ?? false,
    stateDir: options.stateDir ?? userStateDir(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

function placesOf(to: PackOptions['to']): readonly ArchivePlace[] {
  if (to === undefined) return [];
  return isList(to) ? to : [to];
}

function isList(to: NonNullable<PackOptions['to']>): to is readonly ArchivePlace[] {
  return Array.isArray(to);
}

/** Files are deleted on the word of whole proofs only, in as many archives as there are. */
function copiesOf({ copies, removeSource = false, proof = 'auto', to, lake }: PackOptions, archives: number): number {
  if (!removeSource) {
    if (copies === undefined) return archives;
    throw new LakepackError('USAGE', 'copies: says when files of the lake are deleted, and nothing is', {
      hint: 'add --remove-source, or leave out --copies; --to may be given more than once by itself',
    });
  }
  if (proof === 'none' || proof === 'sample') {
    throw new LakepackError('USAGE', `${lake}: expected a proof of every byte before files are deleted, got ${proof}`, {
      hint: 'leave out --verify-push, or say auto or all',
    });
  }
  if (to === undefined) throw onlyTheLake(lake);
  return within('copies', copies ?? archives, 1, archives);
}

/** What the lake loses, its own archive would lose with it. */
export function onlyTheLake(lake: string): LakepackError {
  return new LakepackError('USAGE', `${lake}: the lake itself would be the only archive of what is deleted from it`, {
    hint: 'they are one folder on one disk, and are lost together: give --to another archive',
  });
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
