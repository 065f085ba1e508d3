/**
 * One run of a transfer: look, plan, send what is missing with its proof, commit, and for a migration also drills,
 * deletion and the cut-over report. What fails one export is its finding; what would fail them all ends the run, with
 * uploads left to the next one.
 */
import { sha256Of } from '../../base/sha256.js';
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { ReadOrder } from '../../archive/read-order.js';
import { UploadJournal } from '../../archive/upload-journal.js';
import { ByteBudget } from '../../base/byte-budget.js';
import { LakepackError, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { parseManifest } from '../../schema/parse-manifest.js';
import { mapSettled } from '../map-settled.js';
import { CommitQueue } from './commit-queue.js';
import type { CutOver, TransferredExport } from './contract.js';
import { copyDrills } from './copy-drills.js';
import { cutOver } from './cut-over.js';
import { deleteFromSource } from './delete-source.js';
import { differsFinding, failureFinding, isOfOneExport } from './failures.js';
import { healedFinding } from './healed.js';
import { lookAtSides, type Look } from './look.js';
import { sendExport, type SentExport } from './send-export.js';
import { openSides, type Sides } from './sides.js';
import type { StoreTarget } from './store-proven.js';
import { isWholeProof, TransferJournal } from './transfer-journal.js';
import { planTransfer, type PlannedExport, type TransferPlan } from './transfer-plan.js';
import { concurrencyFor, type TransferSettings } from './transfer-settings.js';

export interface TransferResult {
  readonly from: string;
  readonly to: string | undefined;
  readonly exports: readonly TransferredExport[];
  readonly findings: readonly Finding[];
  readonly plan: TransferPlan;
  readonly cutOver: CutOver | undefined;
}

export async function runTransfer(settings: TransferSettings): Promise<TransferResult> {
  const sides = await openSides(settings);
  try {
    settings.onProgress({ type: 'phase', phase: 'plan' });
    const look = await lookAtSides(sides.from, sides.to, settings);
    const absent = { isDistant: false };
    const plan = planTransfer({
      source: look.source,
      target: look.target,
      looking: look.requests,
      from: sides.from.remote,
      to: sides.to?.remote ?? absent,
      proof: settings.proof,
    });
    const rows = new Map(look.unreadable.map(({ ref, error }) => [ref.manifestKey, unreadableRow(ref, error)]));
    const findings: Finding[] = [];
    const { to } = sides;
    if (!settings.dryRun && to !== undefined)
      await new TransferSession(settings, { ...sides, to }, look, rows, findings).run(plan);
    else for (const one of plan.exports) rows.set(one.ref.manifestKey, plannedRow(one, look));
    findings.push(...sides.from.takeHealed().map(healedFinding));
    const compared = settings.wholeArchive ? await cutOver(sides.from, to, look, settings.signal) : undefined;
    const exports = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    if (compared !== undefined) findings.push(...lateFindings(settings, compared, exports));
    return { from: sides.from.url, to: to?.url, exports, findings, plan, cutOver: compared };
  } finally {
    await sides.close();
  }
}

/**
 * Exports that are in the source only, and did not fail: they were made while the others moved, or a listing that was
 * not up to date had left them out. Whoever empties the old place must know.
 */
function lateFindings(
  { isWhole, dryRun }: TransferSettings,
  { onlyInSource }: CutOver,
  exports: readonly TransferredExport[],
): readonly Finding[] {
  const failed = exports.filter(({ status }) => status === 'failed').length;
  const late = onlyInSource.count - failed;
  if (dryRun || !isWhole || late <= 0) return [];
  const names = onlyInSource.names.slice(0, 3).join(', ');
  const message = `${late} more ${late === 1 ? 'export is' : 'exports are'} in the source only, not listed when it began: ${names}`;
  return [finding('TRANSFER_FAILED', message, {}, { repair: 'run the same command again' })];
}

class TransferSession {
  readonly #settings: TransferSettings;
  readonly #sides: Sides & { readonly to: Archive };
  readonly #look: Look;
  /** By manifest key. */
  readonly #rows: Map<string, TransferredExport>;
  readonly #findings: Finding[];
  /** Fires when one export met what would fail all: those under way end too, and leave their uploads. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #commits: CommitQueue;
  readonly #concurrency: number;
  /** Bytes that are still to be stored. */
  #left = 0;
  readonly #pending: Promise<void>[] = [];
  readonly #fatal: unknown[] = [];

  constructor(
    settings: TransferSettings,
    sides: Sides & { readonly to: Archive },
    look: Look,
    rows: Map<string, TransferredExport>,
    findings: Finding[],
  ) {
    this.#settings = settings;
    this.#sides = sides;
    this.#look = look;
    this.#rows = rows;
    this.#findings = findings;
    this.#signal = sharedSignal(AbortSignal.any([settings.signal, this.#stop.signal]));
    this.#concurrency = concurrencyFor(settings, sides.from.remote.isDistant || sides.to.remote.isDistant);
    this.#commits = new CommitQueue(sides.to.remote, this.#concurrency, this.#signal);
  }

  async run(plan: TransferPlan): Promise<void> {
    const { settings, from, to } = { settings: this.#settings, ...this.#sides };
    const uploads = await UploadJournal.open(settings.stateDir, to.remote.identity);
    const journal = await TransferJournal.open(settings.stateDir, from.remote.identity, to.remote.identity);
    try {
      await this.#sendAll(plan, uploads, journal);
      if (settings.wholeArchive) this.#findings.push(...(await copyDrills(from, to, this.#signal)));
      if (settings.deleteSource) await this.#delete(plan, journal);
      const isDone = [...this.#rows.values()].every((row) => row.status !== 'failed');
      // A migration keeps what it proved until its source may go.
      if (isDone && (settings.deleteSource || !settings.wholeArchive)) await journal.end();
    } finally {
      await uploads.close();
    }
  }

  async #sendAll(plan: TransferPlan, uploads: UploadJournal, journal: TransferJournal): Promise<void> {
    const { onProgress, memoryBytes, proof } = this.#settings;
    const { from, to, copyFrom } = this.#sides;
    onProgress({ type: 'phase', phase: 'transfer' });
    onProgress({ type: 'total', files: plan.objects, bytes: plan.bytes });
    this.#left = plan.bytes;
    // With fallbacks a block may be in memory twice: as one copy gave it, and as another does.
    const memory = new ByteBudget(from.fallbacks.length > 0 ? memoryBytes / 2 : memoryBytes);
    const target: StoreTarget = { remote: to.remote, uploads, memory, proof, signal: this.#signal };
    const order = new ReadOrder(
      from.remote,
      from.fallbacks.map((one) => one.remote),
    );
    const source = { archive: from, order, copyFrom };
    try {
      await mapSettled(plan.exports, this.#concurrency, (one) =>
        this.#guard(async () => {
          if (one.action === 'send') await this.#send(one, source, target, journal);
          else this.#rows.set(one.ref.manifestKey, plannedRow(one, this.#look));
        }),
      );
      onProgress({ type: 'phase', phase: 'commit' });
    } finally {
      await Promise.all(this.#pending);
      await this.#commits.settle();
      this.#findings.push(...order.takeHealed().map(healedFinding));
    }
    if (this.#fatal.length > 0) throw this.#fatal[0];
  }

  /** The first that ends the run is what it ends with; what others end with then is only that it ended. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fatal.push(error);
      this.#stop.abort(error);
      throw this.#fatal[0];
    }
  }

  async #send(
    one: PlannedExport,
    source: Parameters<typeof sendExport>[0],
    target: StoreTarget,
    journal: TransferJournal,
  ): Promise<void> {
    const { ref } = one;
    throwIfAborted(this.#signal);
    try {
      const bytes = await this.#manifestBytes(one);
      const manifest = parseManifest(bytes, ref.manifestKey);
      const sent = await sendExport(source, target, ref, manifest, (files, stored) => this.#stored(files, stored));
      const { committed } = await this.#commits.add({ key: ref.manifestKey, bytes });
      const settled = committed.then(() => this.#done(one, sent, journal));
      // Awaited with all the others when everything is sent; what it throws has been kept by then.
      this.#pending.push(this.#guard(() => settled.catch((error: unknown) => this.#failed(one, error))).catch(ignore));
    } catch (error) {
      this.#failed(one, error);
    }
  }

  /** What is stored last still has to be proven, and that may take as long as sending it. */
  #stored(files: number, bytes: number): void {
    const { onProgress } = this.#settings;
    onProgress({ type: 'advance', files, bytes });
    const isLast = this.#left > 0 && this.#left <= bytes;
    this.#left -= bytes;
    if (isLast) onProgress({ type: 'phase', phase: 'prove' });
  }

  /** As the plan saw it: an export that changes between is none. */
  async #manifestBytes({ ref, manifestSha256 }: PlannedExport): Promise<Buffer> {
    const kept = this.#look.kept.get(ref.manifestKey);
    if (kept !== undefined) return kept;
    const { bytes } = await this.#sides.from.storedManifest(ref, this.#signal);
    if (sha256Of(bytes) === manifestSha256) return bytes;
    throw changedManifest(ref);
  }

  async #done(one: PlannedExport, sent: SentExport, journal: TransferJournal): Promise<void> {
    const { ref } = one;
    const { sentBytes, resumedBytes, copied, proof } = sent;
    const row = { ...commonRow(one), status: 'transferred' as const, sentBytes, resumedBytes, copied };
    this.#rows.set(ref.manifestKey, {
      ...row,
      ...(proof !== undefined && { proof }),
      sourceDeleted: false,
      findings: [],
    });
    this.#settings.onProgress({ type: 'advance', files: 1, bytes: 0 });
    this.#settings.onProgress({ type: 'item', name: ref.exportId, status: 'transferred', detail: ref.path });
    const { wholeArchive, deleteSource } = this.#settings;
    if ((!wholeArchive && !deleteSource) || proof === undefined || !isWholeProof(proof)) return;
    const at = new Date().toISOString();
    await journal.add({ key: ref.manifestKey, manifestSha256: one.manifestSha256, proof, at });
  }

  #failed(one: PlannedExport, error: unknown): void {
    if (!isOfOneExport(error)) throw error;
    const { ref } = one;
    this.#rows.set(ref.manifestKey, failedRow(one, [failureFinding(ref, error)]));
    this.#settings.onProgress({ type: 'item', name: ref.exportId, status: 'failed', detail: ref.path });
  }

  async #delete(plan: TransferPlan, journal: TransferJournal): Promise<void> {
    const { onProgress, from, proof } = this.#settings;
    const { to, from: source } = this.#sides;
    const isThere = (one: PlannedExport): boolean => this.#rows.get(one.ref.manifestKey)?.status !== 'failed';
    const exports = plan.exports.filter(isThere);
    await deleteFromSource(
      { place: from, source, to, exports, journal, proof, signal: this.#signal, onProgress },
      (one, result) => {
        const row = this.#rows.get(one.ref.manifestKey) ?? plannedRow(one, this.#look);
        const { deleted, proof: kind, findings } = result;
        const status = findings.length > 0 ? 'failed' : row.status;
        const more = { ...(kind !== undefined && { proof: kind }), sourceDeleted: deleted };
        this.#rows.set(one.ref.manifestKey, { ...row, ...more, status, findings: [...row.findings, ...findings] });
      },
    );
  }
}

type CommonRow = Pick<TransferredExport, 'exportId' | 'path' | 'bundles' | 'bytes'>;

const NOT_SENT = { sentBytes: 0, resumedBytes: 0, copied: false, sourceDeleted: false };

function commonRow({ ref, bundleBlocks, bytes }: PlannedExport): CommonRow {
  return { exportId: ref.exportId, path: ref.path, bundles: bundleBlocks.length, bytes };
}

function failedRow(one: PlannedExport, findings: readonly Finding[]): TransferredExport {
  return { ...commonRow(one), ...NOT_SENT, status: 'failed', findings };
}

/** The row of an export that nothing was done to: by what the plan says of it. */
function plannedRow(one: PlannedExport, { target }: Look): TransferredExport {
  if (one.action === 'differs') {
    const found = target.get(one.ref.manifestKey) ?? '';
    return failedRow(one, [differsFinding(one.ref, one.manifestSha256, found)]);
  }
  const status = one.action === 'present' ? 'present' : 'planned';
  return { ...commonRow(one), ...NOT_SENT, status, findings: [] };
}

function unreadableRow(ref: ExportRef, error: LakepackError): TransferredExport {
  const findings = [failureFinding(ref, error)];
  return { exportId: ref.exportId, path: ref.path, bundles: 0, bytes: 0, ...NOT_SENT, status: 'failed', findings };
}

function changedManifest(ref: ExportRef): LakepackError {
  return new LakepackError('HASH_MISMATCH', `${ref.manifestKey}: the manifest changed while it was transferred`, {
    hint: 'something writes to the source that is not lakepack; run the same command again',
  });
}

function ignore(): void {
  // The error was kept, and ends the run.
}
