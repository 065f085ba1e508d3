/**
 * One run of pack: opens what it needs, decides, packs in batches that share their fsyncs, and leaves the archive
 * with whole exports only, whatever happens.
 */
import type { Archive } from '../../archive/archive.js';
import { discardExport } from '../../archive/commit.js';
import { exportPrefix, manifestPrefix, type ExportRef } from '../../archive/layout.js';
import { isNewer } from '../../archive/select-exports.js';
import { UploadJournal } from '../../archive/upload-journal.js';
import { ByteBudget } from '../../base/byte-budget.js';
import { throwIfAborted } from '../../base/errors.js';
import type { Finding } from '../../base/findings.js';
import { MIB } from '../../base/limits.js';
import type { FrameWorks } from '../../bundle/frame-line.js';
import { openFrameRunner, openFrameSlabs, type FrameRunner } from '../../bundle/frame-runner.js';
import { acquireLock, type ProcessLock } from '../../base/process-lock.js';
import { openScratchFolder, type ScratchFolder } from '../../base/scratch-folder.js';
import { licenceAndNote } from '../../config/lake-config.js';
import type { ExportSelection } from '../../lake/contract.js';
import { indexRunManifests, type RunManifestIndex } from '../../lake/run-manifests.js';
import { scanLake, type ScanResult } from '../../lake/scan.js';
import { isFileRemote } from '../../remote/file.js';
import type { Provenance } from '../../schema/export-manifest.js';
import { mapSettled } from '../map-settled.js';
import type { PackedExport } from './contract.js';
import { estimateStoredBytes } from './estimate.js';
import { openTarget, targetName } from './open-target.js';
import { packBatch, type BatchContext } from './pack-batch.js';
import type { UndescribedExport } from './export-fingerprints.js';
import { decideExport } from './pack-decision.js';
import { PackJournal } from './pack-journal.js';
import { countsOf, failedExport, unchangedExport } from './pack-report.js';
import type { PackSettings } from './pack-settings.js';

/** Exports that are committed together share two flushes; a crash costs at most one batch of work. */
const BATCH_EXPORTS = 256;
const BATCH_BYTES = 1024 * MIB;
/** What is told of each file is held until the batch is committed. */
const BATCH_FILES = 20_000;
const DECISIONS_AT_ONCE = 16;
/** Of parts on their way to a distant archive, all exports together. */
const PART_MEMORY_BYTES = 128 * MIB;
/** In memory beside one for each thread: two that the pool compresses, and one that the writer has in hand. */
const MORE_FRAMES = 3;

export interface SessionResult {
  readonly archive: string;
  readonly exports: readonly PackedExport[];
  readonly findings: readonly Finding[];
}

export async function runPack(settings: PackSettings): Promise<SessionResult> {
  const archive = await openTarget(settings);
  let lock: ProcessLock | undefined;
  let scratch: ScratchFolder | undefined;
  let uploads: UploadJournal | undefined;
  let runner: FrameRunner | undefined;
  try {
    const name = `${settings.lake}\n${await targetName(archive)}`;
    if (!settings.dryRun) lock = await acquireLock(`pack\n${name}`, busyLake(settings));
    scratch = await openScratchFolder();
    const journal = await PackJournal.open(settings.stateDir, name);
    uploads = await UploadJournal.open(settings.stateDir, archive.remote.identity);
    const threads = packThreads(settings.concurrency);
    runner = openFrameRunner(threads, 'pack');
    const works = { runner, slabs: openFrameSlabs(MORE_FRAMES + Math.max(1, threads)) };
    return await new PackSession({ settings, archive, journal, uploads, works, scratchDir: scratch.folder }).run();
  } finally {
    await runner?.close();
    await uploads?.close();
    await lock?.release();
    await archive.close();
    await scratch?.remove();
  }
}

/** One core is for this thread, which plans, hashes what is stored and writes it. */
function packThreads(concurrency: number): number {
  return concurrency === 1 ? 0 : Math.max(1, concurrency - 1);
}

function busyLake({ lakeShown }: PackSettings): string {
  return `${lakeShown}: another lakepack is packing this lake into this archive`;
}

interface SessionParts {
  readonly settings: PackSettings;
  readonly archive: Archive;
  readonly journal: PackJournal;
  readonly uploads: UploadJournal;
  readonly works: FrameWorks;
  readonly scratchDir: string;
}

class PackSession {
  readonly #settings: PackSettings;
  readonly #archive: Archive;
  readonly #journal: PackJournal;
  readonly #uploads: UploadJournal;
  readonly #memory = new ByteBudget(PART_MEMORY_BYTES);
  readonly #works: FrameWorks;
  readonly #scratchDir: string;
  readonly #newest = new Map<string, ExportRef>();
  readonly #committed = new Set<string>();
  /** By partition path: what is packed again for its fingerprints alone. */
  readonly #undescribed = new Map<string, UndescribedExport>();
  /** All scans of this run: their lists of entries are read until its end. */
  readonly #scans: ScanResult[] = [];
  #runManifests: RunManifestIndex | undefined;

  constructor({ settings, archive, journal, uploads, works, scratchDir }: SessionParts) {
    this.#settings = settings;
    this.#archive = archive;
    this.#journal = journal;
    this.#uploads = uploads;
    this.#works = works;
    this.#scratchDir = scratchDir;
  }

  async run(): Promise<SessionResult> {
    const { signal, onProgress, dryRun } = this.#settings;
    onProgress({ type: 'phase', phase: 'scan' });
    if (!dryRun) await this.#sweep();
    await this.#readCatalog();
    try {
      const scan = await this.#scan();
      const decisions = await this.#decide(scan);
      const todo = decisions.flatMap(({ selection, done }) => (done === undefined ? [selection] : []));
      const made = dryRun ? await this.#estimate(todo) : await this.#packAll(todo);
      throwIfAborted(signal);
      return {
        archive: this.#archive.url,
        exports: decisions.map(
          ({ selection, done }) => done ?? made.get(selection.path) ?? failedExport(selection, []),
        ),
        findings: scan.findings,
      };
    } finally {
      for (const scan of this.#scans) scan.dispose();
    }
  }

  /** Half-written objects of a run that was killed go before the scan: in a lake that is its own archive it sees them. */
  async #sweep(): Promise<void> {
    const { remote } = this.#archive;
    if (!isFileRemote(remote)) return;
    const prefixes = this.#journal.unfinished.flatMap(({ path: exportPath, exportId }) => [
      exportPrefix(exportPath, exportId),
      `${manifestPrefix(exportPath)}${exportId}`,
    ]);
    for (const prefix of prefixes) await remote.sweepTemporary(prefix, { signal: this.#settings.signal });
  }

  async #readCatalog(): Promise<void> {
    for await (const ref of this.#archive.list({ signal: this.#settings.signal })) {
      this.#committed.add(ref.exportId);
      const other = this.#newest.get(ref.path);
      if (other === undefined || isNewer(ref, other)) this.#newest.set(ref.path, ref);
    }
  }

  async #scan(only?: string): Promise<ScanResult> {
    const { lake, select, by, unsupported, signal } = this.#settings;
    const options = { by, unsupported, signal, scratchFolder: this.#scratchDir };
    const wanted = only === undefined || select.run !== undefined || by === 'run' || by === 'lake';
    const scan = await scanLake(lake, { ...options, select: wanted ? select : { ...select, partitions: [only] } });
    this.#scans.push(scan);
    return scan;
  }

  async #decide(scan: ScanResult): Promise<{ selection: ExportSelection; done: PackedExport | undefined }[]> {
    const { lake, fingerprint, signal } = this.#settings;
    const context = { lake, archive: this.#archive, journal: this.#journal, fingerprint, signal };
    return await mapSettled(scan.selections, DECISIONS_AT_ONCE, async (selection) => {
      if (selection.findings.some((one) => one.severity === 'error')) {
        return { selection, done: failedExport(selection, selection.findings) };
      }
      const newest = this.#newest.get(selection.path);
      const decision = await decideExport(context, selection, newest);
      if (decision.state === 'undescribed') this.#undescribed.set(selection.path, decision.export);
      return { selection, done: decision.state === 'unchanged' ? unchangedExport(selection, newest) : undefined };
    });
  }

  async #estimate(todo: readonly ExportSelection[]): Promise<Map<string, PackedExport>> {
    const { bundleSizeBytes, concurrency } = this.#settings;
    const reports = await mapSettled(todo, concurrency, async (selection): Promise<PackedExport> => ({
      ...countsOf(selection),
      status: 'planned',
      storedBytes: await estimateStoredBytes(this.#settings, selection),
      bundles: Math.max(1, Math.ceil(selection.entries.bytes / bundleSizeBytes)),
      findings: selection.findings,
    }));
    return new Map(reports.map((report) => [report.path, report]));
  }

  async #packAll(todo: readonly ExportSelection[]): Promise<Map<string, PackedExport>> {
    const { onProgress, lake, signal } = this.#settings;
    await this.#cleanUp(todo);
    const reports = new Map<string, PackedExport>();
    const files = todo.reduce((sum, { entries }) => sum + entries.files, 0);
    const bytes = todo.reduce((sum, { entries }) => sum + entries.bytes, 0);
    if (todo.length > 0) {
      onProgress({ type: 'phase', phase: 'pack' });
      onProgress({ type: 'total', files, bytes });
      this.#runManifests = await indexRunManifests(lake, { signal });
    }
    for (const batch of batches(todo)) {
      for (const report of await packBatch(this.#batchContext(), batch)) reports.set(report.path, report);
    }
    await this.#journal.end();
    return reports;
  }

  /** Removes what unfinished runs stored and this one does not go on with. */
  async #cleanUp(todo: readonly ExportSelection[]): Promise<void> {
    const wanted = new Set(todo.map(({ path: one, entries }) => this.#journal.idFor(one, entries.scanDigest)));
    const garbage = this.#journal.unfinished.filter(({ exportId }) => {
      return !this.#committed.has(exportId) && !wanted.has(exportId);
    });
    const { remote } = this.#archive;
    const call = { signal: this.#settings.signal, journal: this.#uploads };
    await mapSettled(garbage, remote.isDistant ? DECISIONS_AT_ONCE : 1, async ({ path: exportPath, exportId }) => {
      await discardExport(remote, exportPath, exportId, call);
    });
  }

  #batchContext(): BatchContext {
    return {
      settings: this.#settings,
      archive: this.#archive,
      journal: this.#journal,
      uploads: this.#uploads,
      memory: this.#memory,
      works: this.#works,
      scratchDir: this.#scratchDir,
      committed: this.#committed,
      undescribed: this.#undescribed,
      provenanceOf: (selection) => this.#provenance(selection),
      rescan: (exportPath) => this.#rescan(exportPath),
    };
  }

  async #rescan(exportPath: string): Promise<ExportSelection | undefined> {
    const { selections } = await this.#scan(exportPath);
    const selection = selections.find((one) => one.path === exportPath);
    return selection?.findings.some((one) => one.severity === 'error') === false ? selection : undefined;
  }

  #provenance(selection: ExportSelection): Provenance {
    const { config, licence: givenLicence, note: givenNote } = this.#settings;
    const { licence, note } = {
      ...licenceAndNote(config, selection.facts.layer, selection.facts.dataset),
      ...(givenLicence !== undefined && { licence: givenLicence }),
      ...(givenNote !== undefined && { note: givenNote }),
    };
    const found = this.#runManifests?.describing(selection.path) ?? { manifests: [], omitted: 0 };
    return {
      ...(licence !== undefined && { licence }),
      ...(note !== undefined && { note }),
      ...(found.manifests.length > 0 && { runManifests: found.manifests }),
      ...(found.omitted > 0 && { runManifestsOmitted: found.omitted }),
    };
  }
}

function* batches(selections: readonly ExportSelection[]): Generator<readonly ExportSelection[]> {
  let batch: ExportSelection[] = [];
  let bytes = 0;
  let files = 0;
  for (const selection of selections) {
    batch.push(selection);
    bytes += selection.entries.bytes;
    files += selection.entries.files;
    if (batch.length < BATCH_EXPORTS && bytes < BATCH_BYTES && files < BATCH_FILES) continue;
    yield batch;
    batch = [];
    bytes = files = 0;
  }
  if (batch.length > 0) yield batch;
}
