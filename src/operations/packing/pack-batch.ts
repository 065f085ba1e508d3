/**
 * Packs some exports that are committed together. Each is written, tried again where a file changed under it, or
 * failed by itself; then all that were written are committed. What is not committed leaves nothing behind.
 */
import pMap from 'p-map';
import type { Archive } from '../../archive/archive.js';
import { commitExports, discardExport, type FinishedExport } from '../../archive/commit.js';
import { exportIdOf } from '../../archive/layout.js';
import type { UploadJournal } from '../../archive/upload-journal.js';
import type { ByteBudget } from '../../base/byte-budget.js';
import { isLakepackError, LakepackError, throwIfAborted } from '../../base/errors.js';
import type { FrameWorks } from '../../bundle/frame-line.js';
import { BLOCK_BYTES, MIB } from '../../base/limits.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { toolVersion } from '../../base/version.js';
import type { ExportSelection } from '../../lake/contract.js';
import type { Provenance } from '../../schema/export-manifest.js';
import type { PackedExport } from './contract.js';
import {
  definitionsDigest,
  describeSelections,
  fingerprintFindings,
  type ExportDescription,
  type UndescribedExport,
} from './export-fingerprints.js';
import { writeExport, type ExportWriterSettings, type WrittenExport } from './export-writer.js';
import type { PackJournal } from './pack-journal.js';
import { failedExport, packedExport, sourceFinding, undescribedExport } from './pack-report.js';
import type { PackSettings } from './pack-settings.js';

export interface BatchContext {
  readonly settings: PackSettings;
  readonly archive: Archive;
  readonly journal: PackJournal;
  /** Of the archive's remote. */
  readonly uploads: UploadJournal;
  readonly memory: ByteBudget;
  readonly works: FrameWorks;
  readonly scratchDir: string;
  /** Ids of exports that have a manifest. */
  readonly committed: ReadonlySet<string>;
  /** By partition path: exports of which only fingerprints are missing. */
  readonly undescribed: ReadonlyMap<string, UndescribedExport>;
  readonly provenanceOf: (selection: ExportSelection) => Provenance;
  /** Looks at the lake again; undefined when this export cannot be packed any more. */
  readonly rescan: (exportPath: string) => Promise<ExportSelection | undefined>;
}

const ATTEMPTS = 4;
/** Of one bundle: more than there is memory for, which all bundles share. */
const FRAMES_UNDER_WAY = 8;
/** A store that does not answer must not keep somebody who pressed Ctrl-C. */
const DISCARD_MS = 10_000;
/** An export up to this size spends most of its time waiting: for a distant archive, or for calls of the file system. */
const SMALL_EXPORT_BYTES = 4 * MIB;
const SMALL_AT_ONCE = 16;
/** Calls of the file system are made by the four threads of libuv's pool; while they are, exports go on. */
const SMALL_AT_ONCE_IN_FOLDER = 8;
const LEFT_TO_NEXT_RUN = ['INTERRUPTED', 'REMOTE_UNAVAILABLE', 'CREDENTIALS_INVALID'] as const;

interface Planned {
  readonly selection: ExportSelection;
  readonly exportId: string;
}

interface Outcome {
  readonly report: PackedExport;
  readonly scanDigest: string;
  readonly finished?: FinishedExport;
}

/** One report for each, in no order. Throws what stops the whole pack: DISK_FULL, REMOTE_UNAVAILABLE, INTERRUPTED … */
export async function packBatch(context: BatchContext, batch: readonly ExportSelection[]): Promise<PackedExport[]> {
  return await new BatchPacker(context).run(batch);
}

class BatchPacker {
  readonly #context: BatchContext;
  /** Every export of this batch that may have stored something, also those that a retry gave up. */
  readonly #begun: Planned[] = [];
  /** Those whose manifest was sent: they may be visible whatever was answered, so their bundles stay. */
  readonly #sent = new Set<string>();
  /** By partition path. */
  readonly #descriptions = new Map<string, ExportDescription>();

  constructor(context: BatchContext) {
    this.#context = context;
  }

  async run(batch: readonly ExportSelection[]): Promise<PackedExport[]> {
    const { settings, archive, uploads } = this.#context;
    const { signal, onProgress } = settings;
    throwIfAborted(signal);
    await this.#describe(batch, signal);
    const isWorthIt = (selection: ExportSelection): boolean => this.#saysMore(selection.path);
    const kept = batch.filter((selection) => !isWorthIt(selection)).map((selection) => this.#keptReport(selection));
    const planned = await this.#plan(batch.filter(isWorthIt));
    const outcomes: Outcome[] = [];
    try {
      await this.#writeAll(planned, outcomes);
      throwIfAborted(signal);
      const finished = outcomes.flatMap((one) => one.finished ?? []);
      await commitExports(archive.remote, finished, {
        signal,
        journal: uploads,
        atOnce: this.#smallAtOnce,
        onManifest: (exportId) => void this.#sent.add(exportId),
      });
    } catch (error) {
      await this.#discard(error);
      throw error;
    } finally {
      for (const { finished } of outcomes) finished?.entries.dispose();
    }
    for (const { report, scanDigest } of outcomes) {
      onProgress({ type: 'item', name: report.path, status: report.status });
      if (report.exportId !== undefined) this.#know(report, report.exportId, scanDigest);
    }
    return [...kept, ...outcomes.map(({ report }) => report)];
  }

  async #describe(selections: readonly ExportSelection[], signal: AbortSignal): Promise<void> {
    const described = await describeSelections(this.#context.settings.fingerprint, selections, signal);
    for (const [exportPath, description] of described) this.#descriptions.set(exportPath, description);
  }

  /** False where only fingerprints are missing, and not one of them could be made. */
  #saysMore(exportPath: string): boolean {
    const undescribed = this.#context.undescribed.get(exportPath);
    if (undescribed === undefined) return true;
    const made = this.#descriptions.get(exportPath)?.fingerprints?.tables ?? {};
    return [...undescribed.tables.keys()].some((table) => Object.hasOwn(made, table));
  }

  #keptReport(selection: ExportSelection): PackedExport {
    const undescribed = this.#context.undescribed.get(selection.path);
    if (undescribed === undefined) throw new LakepackError('INTERNAL', `${selection.path}: is kept without an export`);
    const findings = fingerprintFindings(selection.path, this.#descriptions.get(selection.path));
    return undescribedExport(selection, undescribed, findings);
  }

  #know({ path: exportPath }: PackedExport, exportId: string, scanDigest: string): void {
    const { journal } = this.#context;
    journal.know(exportId, scanDigest);
    const description = this.#descriptions.get(exportPath);
    if (description?.fingerprints === undefined || description.failures.length > 0) return;
    const tables = Object.entries(description.fingerprints.tables);
    const definitions = new Map(tables.map(([table, { definition }]) => [table, definition]));
    journal.knowDefinitions(exportId, definitionsDigest(definitions));
  }

  /** Gives ids, and remembers them before the first byte is written. */
  async #plan(selections: readonly ExportSelection[]): Promise<Planned[]> {
    const now = new Date();
    const planned = selections.map((selection) => ({ selection, exportId: this.#idFor(selection, now) }));
    await this.#context.journal.begin(
      planned.map(({ selection: { path, entries }, exportId }) => ({ path, scanDigest: entries.scanDigest, exportId })),
    );
    this.#begun.push(...planned);
    return planned;
  }

  #idFor({ path: exportPath, entries }: ExportSelection, now: Date): string {
    const { journal, committed } = this.#context;
    const begun = journal.idFor(exportPath, entries.scanDigest);
    if (begun !== undefined && !committed.has(begun)) return begun;
    let at = now;
    let exportId = exportIdOf(at, entries.scanDigest);
    // The same content within one second of an export of it: only after it was replaced and put back.
    while (committed.has(exportId)) {
      at = new Date(at.getTime() + 1000);
      exportId = exportIdOf(at, entries.scanDigest);
    }
    return exportId;
  }

  /** After the first failure nothing more begins; what is under way is waited for. */
  async #writeAll(planned: readonly Planned[], outcomes: Outcome[]): Promise<void> {
    const { signal } = this.#context.settings;
    const stop = new AbortController();
    const both = sharedSignal(AbortSignal.any([signal, stop.signal]));
    const failures: unknown[] = [];
    const work = async (one: Planned): Promise<void> => {
      if (both.aborted) return;
      try {
        outcomes.push(await this.#packOne(one, both));
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    };
    await Promise.all(
      this.#lanes(planned).map(async ({ exports, atOnce }) => {
        const width = Math.min(atOnce, exports.length);
        await pMap(exports, (one) => work(one), { concurrency: Math.max(1, width) });
      }),
    );
    if (failures.length > 0) throw failures[0];
  }

  /** Many small exports go at once, beside the large ones. */
  #lanes(planned: readonly Planned[]): readonly { readonly exports: readonly Planned[]; readonly atOnce: number }[] {
    const { settings } = this.#context;
    if (this.#smallAtOnce === 1) return [{ exports: planned, atOnce: 1 }];
    const isSmall = ({ selection }: Planned): boolean => selection.entries.bytes <= SMALL_EXPORT_BYTES;
    return [
      { exports: planned.filter(isSmall), atOnce: this.#smallAtOnce },
      { exports: planned.filter((one) => !isSmall(one)), atOnce: settings.concurrency },
    ];
  }

  get #smallAtOnce(): number {
    const { archive, settings } = this.#context;
    if (archive.remote.isDistant) return Math.max(settings.concurrency, SMALL_AT_ONCE);
    // Who asks for one at a time gets it where nothing is lost by it.
    return settings.concurrency === 1 ? 1 : Math.max(settings.concurrency, SMALL_AT_ONCE_IN_FOLDER);
  }

  /** Packs one export; with `retry`, from a new scan as often as a file changes under it. */
  async #packOne(planned: Planned, signal: AbortSignal): Promise<Outcome> {
    const { archive, settings, uploads, provenanceOf } = this.#context;
    let current = planned;
    for (let attempt = 1; ; attempt += 1) {
      const { selection, exportId } = current;
      try {
        const { fingerprints } = this.#descriptions.get(selection.path) ?? {};
        const job = { selection, exportId, provenance: provenanceOf(selection), fingerprints };
        const written = await writeExport(this.#writerSettings(signal), job);
        return this.#outcomeOf(selection, written, attempt);
      } catch (error) {
        if (!isLakepackError(error, 'SOURCE_CHANGED') && !isLakepackError(error, 'SOURCE_UNREADABLE')) throw error;
        await discardExport(archive.remote, selection.path, exportId, { signal, journal: uploads });
        const retry = error.code === 'SOURCE_CHANGED' && settings.onChange === 'retry' && attempt < ATTEMPTS;
        const again = retry ? await this.#replan(selection.path, signal) : undefined;
        if (again === undefined) {
          const report = failedExport(selection, [...selection.findings, sourceFinding(selection, error)]);
          return { report, scanDigest: selection.entries.scanDigest };
        }
        current = again;
      }
    }
  }

  async #replan(exportPath: string, signal: AbortSignal): Promise<Planned | undefined> {
    const selection = await this.#context.rescan(exportPath);
    if (selection === undefined) return undefined;
    this.#descriptions.delete(exportPath);
    await this.#describe([selection], signal);
    return (await this.#plan([selection]))[0];
  }

  #outcomeOf(selection: ExportSelection, { finished, findings }: WrittenExport, attempt: number): Outcome {
    const { path: exportPath, entries } = selection;
    const all = [...findings, ...fingerprintFindings(exportPath, this.#descriptions.get(exportPath))];
    // At a second attempt it has changed: that is why it is packed.
    const undescribed = attempt === 1 ? this.#context.undescribed.get(exportPath) : undefined;
    const report = packedExport(selection, { finished, findings: all }, undescribed);
    return { report, scanDigest: entries.scanDigest, finished };
  }

  #writerSettings(signal: AbortSignal): ExportWriterSettings {
    const { archive, uploads: journal, memory, works, scratchDir, settings } = this.#context;
    const { lake, level, bundleSizeBytes, inspect, proof, onProgress } = settings;
    return {
      lake,
      archive,
      journal,
      memory,
      works,
      proof,
      level,
      bundleSizeBytes,
      frameConcurrency: FRAMES_UNDER_WAY,
      inspect,
      scratchDir,
      toolVersion: toolVersion(),
      signal,
      onProgress,
    };
  }

  /**
   * Best effort: what stays is invisible, and the journal has the next run remove it or go on with it. A large export
   * that was interrupted keeps what is stored of it: it is too dear to be made again.
   */
  async #discard(cause: unknown): Promise<void> {
    const { archive, uploads: journal } = this.#context;
    const call = { signal: AbortSignal.timeout(DISCARD_MS), journal };
    const garbage = this.#begun.filter(({ selection, exportId }) => {
      return !this.#sent.has(exportId) && !this.#isWorthKeeping(selection, cause);
    });
    const discard = ({ selection, exportId }: Planned): Promise<void> =>
      discardExport(archive.remote, selection.path, exportId, call).catch(() => undefined);
    await pMap(garbage, discard, { concurrency: archive.remote.isDistant ? SMALL_AT_ONCE : 1 });
  }

  #isWorthKeeping({ entries }: ExportSelection, cause: unknown): boolean {
    const { archive, settings } = this.#context;
    if (!archive.remote.isDistant)
      return isLakepackError(cause, 'INTERRUPTED') && entries.bytes > settings.bundleSizeBytes;
    // Sent in parts, over a network that comes back: the next run goes on in the middle of a bundle.
    return LEFT_TO_NEXT_RUN.some((code) => isLakepackError(cause, code)) && entries.bytes > BLOCK_BYTES;
  }
}
