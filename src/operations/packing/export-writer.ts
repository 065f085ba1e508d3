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
import { BundleWriter, type PayloadSource } from '../../bundle/write.js';
import { ZSTD_VERSION } from '../../codec/zstd.js';
import type { ExportSelection, SourceEntry } from '../../lake/contract.js';
import { wholeSeconds } from '../../lake/entry-list.js';
import { openInspector, type InspectMode } from '../../lake/inspect/inspector.js';
import { readSourceFile, readSourceRange, SMALL_FILE_BYTES } from '../../lake/source-file.js';
import { createContentDigest } from '../../schema/content-digest.js';
import {
  FORMAT_VERSION,
  type BundleFacts,
  type ExportSource,
  type ExportTotals,
  type FileContent,
  type FileEntry,
  type Provenance,
  type ToolFacts,
} from '../../schema/export-manifest.js';
import type { ExportFingerprints } from '../../schema/fingerprint.js';
import { serializeFileEntry } from '../../schema/serialize-manifest.js';
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
  /** Frames compressed at once, for each bundle. */
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

class ExportWriter {
  readonly #settings: ExportWriterSettings;
  readonly #job: ExportJob;
  readonly #cursor: EntryCursor;
  readonly #entries: LineSpool;
  readonly #findings: Finding[] = [];
  readonly #digest = createContentDigest();
  readonly #sums = { files: 0, directories: 0, bytes: 0, rows: undefined as number | undefined };
  readonly #tool: ToolFacts;

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
    const spools: LineSpool[] = [];
    const findingsBefore = this.#findings.length;
    try {
      const open = (): BundleWriter => {
        // Opened again, it reads the same files again: what they are found guilty of is told once.
        this.#findings.length = findingsBefore;
        const spool = new LineSpool({ scratchDir: this.#settings.scratchDir });
        spools.push(spool);
        return this.#openWriter(name, planned, (entry) => spool.append(serializeFileEntry(entry)));
      };
      const facts = await storeBundle(archive.remote, key, open, {
        signal,
        journal,
        memory,
        proof,
        maxStoredBytes: storedBytesBound(planned),
      });
      // Only the last writer was read to its end.
      for await (const line of spools.at(-1) ?? []) this.#count(line);
      return facts;
    } finally {
      for (const spool of spools) spool.dispose();
    }
  }

  #openWriter(name: string, planned: PlannedBundle, onEntry: (entry: FileEntry) => void): BundleWriter {
    const { frameConcurrency: concurrency, scratchDir } = this.#settings;
    const { selection, provenance } = this.#job;
    const payload = this.#payload(planned);
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
      concurrency,
      scratchDir,
      onEntry,
    };
    return new BundleWriter(spec, payload);
  }

  async *#payload(planned: PlannedBundle): AsyncGenerator<PayloadSource> {
    for await (const entry of this.#cursor.take(planned.first, planned.entries)) {
      yield this.#payloadSource(entry);
      this.#settings.onProgress({ type: 'advance', files: entry.type === 'file' ? 1 : 0, bytes: 0 });
    }
  }

  #payloadSource(entry: SourceEntry): PayloadSource {
    const { lake, inspect, onProgress } = this.#settings;
    const { path, type, bytes, executable } = entry;
    const inspector = openInspector(path, bytes, inspect);
    const findings = this.#findings;
    let whole: Buffer | undefined;
    async function* read(): AsyncGenerator<Buffer> {
      let isRead = false;
      try {
        for await (const chunk of readSourceFile(lake, entry)) {
          if (chunk.length === bytes) whole = chunk;
          await inspector.update(chunk);
          onProgress({ type: 'advance', files: 0, bytes: chunk.length });
          yield chunk;
        }
        // Read while open, a file is whole also when its name has gone or leads elsewhere: the lake changed all the same.
        if (bytes > SMALL_FILE_BYTES) await readSourceRange(lake, entry, 0, 1);
        isRead = true;
      } finally {
        if (!isRead) inspector.dispose();
      }
    }
    async function look(): Promise<FileContent | undefined> {
      const result = await inspector.finish(async (offset, length) =>
        // A small file is still at hand: four trips through the thread pool are saved.
        whole === undefined
          ? await readSourceRange(lake, entry, offset, length)
          : whole.subarray(offset, offset + length),
      );
      findings.push(...result.findings);
      return result.content;
    }
    return { path, type, bytes, mtime: wholeSeconds(entry.mtimeNs), executable, read, inspect: look };
  }

  #count(line: string): void {
    const entry = JSON.parse(line) as FileEntry;
    this.#entries.append(line);
    if (entry.sha256 === undefined) {
      this.#sums.directories += 1;
      return;
    }
    this.#sums.files += 1;
    this.#sums.bytes += entry.bytes;
    if (entry.content?.rows !== undefined) this.#sums.rows = (this.#sums.rows ?? 0) + entry.content.rows;
    this.#digest.add(entry.path, entry.sha256);
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
