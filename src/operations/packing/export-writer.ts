/**
 * Writes the bundles of one export and everything its manifest will say. It does not commit: an export that this
 * returns is invisible until `archive/commit.ts` has written its manifest.
 */
import type { Finding } from '../../base/findings.js';
import { LineSpool } from '../../base/line-spool.js';
import type { ProgressListener } from '../../base/progress.js';
import { TOOL_NAME } from '../../base/version.js';
import type { Archive } from '../../archive/archive.js';
import type { FinishedExport } from '../../archive/commit.js';
import type { ProofMode } from '../../archive/contract.js';
import * as layout from '../../archive/layout.js';
import { storeBundle } from '../../archive/store-bundle.js';
import type { UploadJournal } from '../../archive/upload-journal.js';
import type { ByteBudget } from '../../base/byte-budget.js';
import { blockBytesFor } from '../../bundle/block-hasher.js';
import type { FrameWorks } from '../../bundle/frame-line.js';
import { BundleWriter, type PlacedEntries } from '../../bundle/write.js';
import { ZSTD_VERSION } from '../../codec/zstd.js';
import type { ExportSelection } from '../../lake/contract.js';
import type { InspectMode } from '../../lake/inspect/inspector.js';
import { createContentDigest, type ContentDigest } from '../../schema/content-digest.js';
import {
  FORMAT_VERSION,
  type BundleFacts,
  type ExportSource,
  type ExportTotals,
  type Provenance,
  type ToolFacts,
} from '../../schema/export-manifest.js';
import type { ExportFingerprints } from '../../schema/fingerprint.js';
import { EntryCursor, planBundles, storedBytesBound, type PlannedBundle } from './bundle-plan.js';

export interface ExportWriterSettings {
  readonly lake: string;
  readonly archive: Archive;
  /** What is under way in the archive, and the memory that all exports share for it. */
  readonly journal: UploadJournal;
  readonly memory: ByteBudget;
  readonly proof: ProofMode;
  readonly level: number;
  readonly bundleSizeBytes: number;
  readonly works: FrameWorks;
  /** Frames under way at once, for each bundle. */
  readonly frameConcurrency: number;
  readonly inspect: InspectMode;
  readonly scratchDir: string;
  readonly toolVersion: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

export interface ExportJob {
  readonly selection: ExportSelection;
  readonly exportId: string;
  readonly provenance: Provenance;
  /** Of its tables; they stand in the manifest only, so that bundles are the same with and without them. */
  readonly fingerprints: ExportFingerprints | undefined;
}

export interface WrittenExport {
  readonly finished: FinishedExport;
  /** What a look into the files found. */
  readonly findings: readonly Finding[];
}

/** Throws SOURCE_CHANGED, SOURCE_UNREADABLE, DISK_FULL, INTERRUPTED …; then its bundles are left for `discardExport`. */
export async function writeExport(settings: ExportWriterSettings, job: ExportJob): Promise<WrittenExport> {
  const writer = new ExportWriter(settings, job);
  try {
    return await writer.write();
  } catch (error) {
    writer.dispose();
    throw error;
  }
}

/** A bundle on its way, and what becomes known of its entries. Of one that was begun again, the last counts. */
interface BundleAttempt {
  readonly writer: BundleWriter;
  readonly entries: LineSpool;
  /** Of all files up to the end of this bundle. */
  readonly digest: ContentDigest;
  readonly findings: Finding[];
}

class ExportWriter {
  readonly #settings: ExportWriterSettings;
  readonly #job: ExportJob;
  readonly #cursor: EntryCursor;
  readonly #entries: LineSpool;
  readonly #findings: Finding[] = [];
  readonly #sums = { files: 0, directories: 0, bytes: 0, rows: undefined as number | undefined };
  readonly #tool: ToolFacts;
  #digest = createContentDigest();

  constructor(settings: ExportWriterSettings, job: ExportJob) {
    this.#settings = settings;
    this.#job = job;
    this.#cursor = new EntryCursor(job.selection.entries);
    this.#entries = new LineSpool({ scratchDir: settings.scratchDir });
    const { toolVersion: version, level } = settings;
    this.#tool = { name: TOOL_NAME, version, zstdVersion: ZSTD_VERSION, level };
  }

  dispose(): void {
    this.#entries.dispose();
  }

  async write(): Promise<WrittenExport> {
    const bundles: BundleFacts[] = [];
    for (const planned of await planBundles(this.#job.selection.entries, this.#settings.bundleSizeBytes)) {
      bundles.push(await this.#writeBundle(planned));
    }
    return { finished: { head: this.#head(bundles), entries: this.#entries }, findings: this.#findings };
  }

  async #writeBundle(planned: PlannedBundle): Promise<BundleFacts> {
    const { archive, journal, memory, proof, signal } = this.#settings;
    const name = layout.bundleName(this.#job.exportId, planned.number);
    const key = layout.bundleKey(this.#job.selection.path, this.#job.exportId, name);
    const attempts: BundleAttempt[] = [];
    try {
      const open = (): BundleWriter => {
        const attempt = this.#attempt(name, planned);
        attempts.push(attempt);
        return attempt.writer;
      };
      const facts = await storeBundle(archive.remote, key, open, {
        signal,
        journal,
        memory,
        proof,
        maxStoredBytes: storedBytesBound(planned),
      });
      // Only the last writer was read to its end.
      const last = attempts.at(-1);
      if (last !== undefined) await this.#take(last);
      return facts;
    } finally {
      for (const { entries } of attempts) entries.dispose();
    }
  }

  #attempt(name: string, planned: PlannedBundle): BundleAttempt {
    const { frameConcurrency: concurrency, scratchDir, lake, inspect, works, onProgress } = this.#settings;
    const { selection, provenance } = this.#job;
    const entries = new LineSpool({ scratchDir });
    const digest = this.#digest.copy();
    const findings: Finding[] = [];
    function onEntries(placed: PlacedEntries): void {
      entries.appendLines(placed.lines, placed.count);
      digest.addLines(placed.digestLines);
      findings.push(...placed.findings);
    }
    const spec = {
      name,
      number: planned.number,
      source: this.#source(),
      provenance,
      tool: this.#tool,
      newestMtime: selection.entries.newestMtime ?? 0,
      hasOddNames: planned.hasOddNames,
      hasFiles: planned.hasFiles,
      blockBytes: blockBytesFor(storedBytesBound(planned)),
      lake,
      inspect,
      works,
      concurrency,
      scratchDir,
      onEntries,
      onFrame: (files: number, bytes: number) => onProgress({ type: 'advance', files, bytes }),
    };
    const writer = new BundleWriter(spec, this.#cursor.take(planned.first, planned.entries));
    return { writer, entries, digest, findings };
  }

  async #take({ writer, entries, digest, findings }: BundleAttempt): Promise<void> {
    await this.#entries.take(entries);
    this.#digest = digest;
    this.#findings.push(...findings);
    const { files, directories, bytes, rows } = writer.totals;
    this.#sums.files += files;
    this.#sums.directories += directories;
    this.#sums.bytes += bytes;
    if (rows !== undefined) this.#sums.rows = (this.#sums.rows ?? 0) + rows;
  }

  #source(): ExportSource {
    const { by, path, facts, entries } = this.#job.selection;
    const { layer, dataset, keys, runId } = facts;
    return {
      by,
      path,
      ...(layer !== undefined && { layer }),
      ...(dataset !== undefined && { dataset }),
      ...(Object.keys(keys).length > 0 && { keys }),
      ...(runId !== undefined && { runId }),
      scanDigest: entries.scanDigest,
    };
  }

  #head(bundles: readonly BundleFacts[]): FinishedExport['head'] {
    const { exportId, provenance, fingerprints } = this.#job;
    const { rows, ...sums } = this.#sums;
    const storedBytes = bundles.reduce((sum, bundle) => sum + bundle.storedBytes, 0);
    const totals: ExportTotals = { ...sums, storedBytes, ...(rows !== undefined && { rows }) };
    const createdAt = layout.parseExportId(exportId)?.createdAt ?? new Date(0);
    return {
      formatVersion: FORMAT_VERSION,
      exportId,
      createdAt: createdAt.toISOString().replace(/\.000Z$/, 'Z'),
      tool: this.#tool,
      source: this.#source(),
      provenance,
      contentDigest: this.#digest.hex(),
      totals,
      bundles,
      ...(fingerprints !== undefined && { fingerprints }),
    };
  }
}
