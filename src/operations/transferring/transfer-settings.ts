/** The options of a transfer made whole: every default and every refusal that needs no look at an archive. */
import { availableParallelism } from 'node:os';
import { showPlace, type ArchivePlace } from '../../archive/archive.js';
import type { ProofMode } from '../../archive/contract.js';
import { LakepackError } from '../../base/errors.js';
import { MIB } from '../../base/limits.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { userStateDir } from '../../base/state-dir.js';
import type { ExportSelector } from '../selection.js';
import type { TransferOptions } from './contract.js';

/** Four blocks. What was sent is freed late: a push of 512 MiB peaked at 160 MiB above the idle process, with 96 MiB at 220. */
const DEFAULT_MEMORY_BYTES = 64 * MIB;
const DISTANT_CONCURRENCY = 16;
const MAX_CONCURRENCY = 256;

export interface TransferSettings {
  readonly from: ArchivePlace;
  readonly to: ArchivePlace;
  readonly select: ExportSelector;
  /** True where the caller narrowed nothing. */
  readonly isWhole: boolean;
  readonly proof: ProofMode;
  readonly dryRun: boolean;
  /** Undefined: `concurrencyFor` decides when the sides are known. */
  readonly concurrency: number | undefined;
  readonly memoryBytes: number;
  readonly bandwidthBytesPerSecond: number | undefined;
  readonly wholeArchive: boolean;
  readonly deleteSource: boolean;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

/** Throws USAGE. */
export function settingsOfTransfer(options: TransferOptions): TransferSettings {
  const { proof = 'auto', deleteSource = false, concurrency, memoryBytes = DEFAULT_MEMORY_BYTES } = options;
  if (deleteSource && (proof === 'none' || proof === 'sample')) throw unprovenDeletion(options, proof);
  assertWhole('concurrency', concurrency, MAX_CONCURRENCY);
  assertWhole('memoryBytes', memoryBytes, Number.MAX_SAFE_INTEGER);
  assertWhole('bandwidth', options.bandwidthBytesPerSecond, Number.MAX_SAFE_INTEGER);
  return {
    from: options.from,
    to: options.to,
    select: historyUnlessNamed(options.select ?? {}),
    isWhole: Object.values(options.select ?? {}).every((condition) => condition === undefined),
    proof,
    dryRun: options.dryRun ?? false,
    concurrency,
    memoryBytes,
    bandwidthBytesPerSecond: options.bandwidthBytesPerSecond,
    wholeArchive: options.wholeArchive ?? false,
    deleteSource,
    stateDir: options.stateDir ?? userStateDir(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

/** Distance is waited for, so many calls at once cost nothing; a disk has only so much to give. */
export function concurrencyFor(settings: TransferSettings, isDistant: boolean): number {
  return settings.concurrency ?? (isDistant ? DISTANT_CONCURRENCY : availableParallelism());
}

/** What is moved is the archive, older exports too; a name or `all` means the newest, as everywhere. */
function historyUnlessNamed(select: ExportSelector): ExportSelector {
  const isNewest = select.all === true || (select.exports ?? []).length > 0;
  return { ...select, history: select.history ?? !isNewest };
}

function assertWhole(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= most)) return;
  throw new LakepackError('USAGE', `${name}: expected a whole number from 1 to ${most}, got ${value}`);
}

function unprovenDeletion({ from }: TransferOptions, proof: ProofMode): LakepackError {
  return new LakepackError(
    'USAGE',
    `${showPlace(from)}: nothing is deleted without a proof of all of it: expected proof auto or all, got ${proof}`,
    { hint: 'leave out the weaker proof, or leave out the deletion' },
  );
}
