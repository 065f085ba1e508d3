/**
 * One run of pack: opens what it needs, decides, packs in batches that share their fsyncs, and leaves the archive
 * with whole exports only, whatever happens.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pMap from 'p-map';
import { openArchive, type Archive } from '../../archive/archive.js';
import { commitExports, type FinishedExport } from '../../archive/commit.js';
import { exportIdOf, exportPrefix, type ExportRef } from '../../archive/layout.js';
import { isNewer } from '../../archive/select-exports.js';
import { isLakepackError, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { MIB } from '../../base/limits.js';
import { toolVersion } from '../../base/version.js';
import { licenceAndNote } from '../../config/lake-config.js';
import type { ExportSelection } from '../../lake/contract.js';
import { indexRunManifests, type RunManifestIndex } from '../../lake/run-manifests.js';
import { scanLake, type ScanResult } from '../../lake/scan.js';
import { isFileRemote } from '../../remote/file.js';
import type { Provenance } from '../../schema/export-manifest.js';
import type { PackedExport } from './contract.js';
import { acquireLock, type ProcessLock } from '../process-lock.js';
import { estimateStoredBytes } from './estimate.js';
import { discardExport, writeExport, type ExportWriterSettings, type WrittenExport } from './export-writer.js';
import { isUnchanged } from './pack-decision.js';
import { PackJournal, type BegunExport } from './pack-journal.js';

import type { PackSettings } from './pack-settings.js';

/** Exports that are committed together share two flushes; a crash costs at most one batch of work. */
const BATCH_EXPORTS = 256;
const BATCH_BYTES = 1024 * MIB;
const ATTEMPTS = 4;
const DECISIONS_AT_ONCE = 16;

interface Planned {
  readonly selection: ExportSelection;
  readonly exportId: string;
}

interface Outcome {
  readonly report: PackedExport;
  readonly finished?: FinishedExport;
}

export interface SessionResult {
  readonly archive: string;
  readonly exports: readonly PackedExport[];
  readonly findings: readonly Finding[];
}

export async function runPack(settings: PackSettings): Promise<SessionResult> {
  const scratchDir = await mkdtemp(path.join(tmpdir(), 'lakepack-'));
  const archive = await openTarget(settings);
  let lock: ProcessLock | undefined;
  try {
    const name = `${settings.lake}\n${archive.url}`;
    if (!settings.dryRun) lock = await acquireLock(`pack\n${name}`, busyLake(settings));
    const journal = await PackJournal.open(settings.stateDir, name);
    return await new PackSession(settings, archive, journal, scratchDir).run();
  } finally {
    await lock?.release();
    await archive.close();
    await rm(scratchDir, { recursive: true, force: true });
  }
}

function busyLake({ lakeShown }: PackSettings): string {
  return `${lakeShown}: another lakepack is packing this lake into this archive`;
}

/** A dry run makes no folder: it reads an archive that is there, or looks at the lake as if at an empty one. */
async function openTarget(settings: PackSettings): Promise<Archive> {
  if (!settings.dryRun) return await openArchive(settings.to, { mode: 'write' });
  try {
    return await openArchive(settings.to, { mode: 'read' });
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
    return await openArchive(settings.lake, { mode: 'read' });
  }
}

class PackSession {
  readonly #settings: PackSettings;
  readonly #archive: Archive;
  readonly #journal: PackJournal;
  readonly #scratchDir: string;
  readonly #newest = new Map<string, ExportRef>();
  readonly #committed = new Set<string>();
  #runManifests: RunManifestIndex | undefined;

  constructor(settings: PackSettings, archive: Archive, journal: PackJournal, scratchDir: string) {
    this.#settings = settings;
    this.#archive = archive;
    this.#journal = journal;
    this.#scratchDir = scratchDir;
  }

  async run(): Promise<SessionResult> {
    const { signal, onProgress, dryRun } = this.#settings;
    onProgress({ type: 'phase', phase: 'scan' });
    await this.#readCatalog();
    const scan = await this.#scan();
    try {
      const decisions = await this.#decide(scan);
      const todo = decisions.flatMap(({ selection, done }) => (done === undefined ? [selection] : []));
      const made = dryRun ? await this.#estimate(todo) : await this.#packAll(todo);
      throwIfAborted(signal);
      return {
        archive: this.#archive.url,
        exports: decisions.map(({ selection, done }) => done ?? made.get(selection.path) ?? failed(selection, [])),
        findings: scan.findings,
      };
    } finally {
      scan.dispose();
    }
  }

  async #readCatalog(): Promise<void> {
    for await (const ref of this.#archive.list({ signal: this.#settings.signal })) {
      this.#committed.add(ref.exportId);
      const other = this.#newest.get(ref.path);
      if (other === undefined || isNewer(ref, other)) this.#newest.set(ref.path, ref);
    }
  }

  #scan(only?: string): Promise<ScanResult> {
    const { lake, select, by, unsupported, signal } = this.#settings;
    const options = { by, unsupported, signal, scratchFolder: this.#scratchDir };
    const wanted = only === undefined || select.run !== undefined || by === 'run' || by === 'lake';
    return scanLake(lake, { ...options, select: wanted ? select : { ...select, partitions: [only] } });
  }

  async #decide(scan: ScanResult): Promise<{ selection: ExportSelection; done: PackedExport | undefined }[]> {
    const { lake, signal } = this.#settings;
    const context = { lake, archive: this.#archive, journal: this.#journal, signal };
    return await pMap(
      scan.selections,
      async (selection) => {
        if (selection.findings.some((one) => one.severity === 'error')) {
          return { selection, done: failed(selection, selection.findings) };
        }
        const newest = this.#newest.get(selection.path);
        const unchanged = await isUnchanged(context, selection, newest);
        return { selection, done: unchanged ? unchangedReport(selection, newest) : undefined };
      },
      { concurrency: DECISIONS_AT_ONCE },
    );
  }

  async #estimate(todo: readonly ExportSelection[]): Promise<Map<string, PackedExport>> {
    const reports = await pMap(
      todo,
      async (selection): Promise<PackedExport> => ({
        ...countsOf(selection),
        status: 'planned',
        storedBytes: await estimateStoredBytes(this.#settings.lake, selection),
        bundles: Math.max(1, Math.ceil(selection.entries.bytes / this.#settings.bundleSizeBytes)),
        findings: selection.findings,
      }),
      { concurrency: this.#settings.concurrency },
    );
    return new Map(reports.map((report) => [report.path, report]));
  }

  async #packAll(todo: readonly ExportSelection[]): Promise<Map<string, PackedExport>> {
    const { onProgress } = this.#settings;
    await this.#cleanUp(todo);
    const reports = new Map<string, PackedExport>();
    const files = todo.reduce((sum, { entries }) => sum + entries.files, 0);
    const bytes = todo.reduce((sum, { entries }) => sum + entries.bytes, 0);
    if (todo.length > 0) {
      onProgress({ type: 'phase', phase: 'pack' });
      onProgress({ type: 'total', files, bytes });
      this.#runManifests = await indexRunManifests(this.#settings.lake, { signal: this.#settings.signal });
    }
    for (const batch of batches(todo)) {
      for (const report of await this.#packBatch(batch)) reports.set(report.path, report);
    }
    await this.#journal.end();
    return reports;
  }

  /** Removes what unfinished runs left and this one does not go on with. */
  async #cleanUp(todo: readonly ExportSelection[]): Promise<void> {
    const wanted = new Set(todo.map(({ path: one, entries }) => this.#journal.idFor(one, entries.scanDigest)));
    for (const { path: exportPath, exportId } of this.#journal.unfinished) {
      if (this.#committed.has(exportId)) continue;
      const remote = this.#archive.remote;
      if (isFileRemote(remote)) await remote.sweepTemporary(exportPrefix(exportPath, exportId));
      if (!wanted.has(exportId)) await discardExport(this.#archive, exportPath, exportId);
    }
  }

  async #packBatch(batch: readonly ExportSelection[]): Promise<PackedExport[]> {
    const { signal, onProgress, concurrency } = this.#settings;
    throwIfAborted(signal);
    const now = new Date();
    const planned = batch.map((selection) => ({ selection, exportId: this.#idFor(selection, now) }));
    await this.#journal.begin(planned.map(begunExport));
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const failures: unknown[] = [];
    const width = Math.min(concurrency, planned.length);
    const outcomes: Outcome[] = [];
    await pMap(
      planned,
      async (one) => {
        if (both.aborted) return;
        try {
          outcomes.push(await this.#packOne(one, both, width === 1 ? concurrency + 2 : 2));
        } catch (error) {
          failures.push(error);
          stop.abort(error);
        }
      },
      { concurrency: width },
    );
    try {
      if (failures.length > 0) throw failures[0];
      throwIfAborted(signal);
      await commitExports(
        this.#archive.remote,
        outcomes.flatMap(({ finished }) => finished ?? []),
        { signal },
      );
    } catch (error) {
      await this.#discard(planned);
      throw error;
    } finally {
      for (const { finished } of outcomes) finished?.entries.dispose();
    }
    for (const { report } of outcomes) {
      onProgress({ type: 'item', name: report.path, status: report.status });
      if (report.exportId !== undefined) this.#remember(report, planned);
    }
    return outcomes.map(({ report }) => report);
  }

  #remember(report: PackedExport, planned: readonly Planned[]): void {
    const one = planned.find(({ exportId }) => exportId === report.exportId);
    if (one !== undefined && report.exportId !== undefined) {
      this.#journal.know(report.exportId, one.selection.entries.scanDigest);
    }
  }

  /** Best effort: what stays is invisible, and the journal has the next run remove it. */
  async #discard(planned: readonly Planned[]): Promise<void> {
    for (const { selection, exportId } of planned) {
      await discardExport(this.#archive, selection.path, exportId).catch(() => undefined);
    }
  }

  #idFor({ path: exportPath, entries }: ExportSelection, now: Date): string {
    const begun = this.#journal.idFor(exportPath, entries.scanDigest);
    if (begun !== undefined && !this.#committed.has(begun)) return begun;
    let at = now;
    let exportId = exportIdOf(at, entries.scanDigest);
    // The same content within one second of an export of it: only after it was replaced and put back.
    while (this.#committed.has(exportId)) {
      at = new Date(at.getTime() + 1000);
      exportId = exportIdOf(at, entries.scanDigest);
    }
    return exportId;
  }

  /** Packs one export; with `retry`, from a new scan as often as a file changes under it. */
  async #packOne(planned: Planned, signal: AbortSignal, frameConcurrency: number): Promise<Outcome> {
    const { onChange } = this.#settings;
    let current = planned;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const written = await writeExport(this.#writerSettings(signal, frameConcurrency), {
          ...current,
          provenance: this.#provenance(current.selection),
        });
        return packedOutcome(current, written);
      } catch (error) {
        if (!isLakepackError(error, 'SOURCE_CHANGED') && !isLakepackError(error, 'SOURCE_UNREADABLE')) throw error;
        await discardExport(this.#archive, current.selection.path, current.exportId);
        const retry = error.code === 'SOURCE_CHANGED' && onChange === 'retry' && attempt < ATTEMPTS;
        const again = retry ? await this.#rescan(current) : undefined;
        if (again === undefined) return { report: failed(current.selection, [sourceFinding(error, current)]) };
        current = again;
      }
    }
  }

  async #rescan(planned: Planned): Promise<Planned | undefined> {
    const scan = await this.#scan(planned.selection.path);
    const selection = scan.selections.find((one) => one.path === planned.selection.path);
    // The list of entries must outlive the scan: small ones stand in memory; `run` removes the scratch folder.
    if (selection?.findings.some((one) => one.severity === 'error') !== false) return undefined;
    const exportId = this.#idFor(selection, new Date());
    await this.#journal.begin([begunExport({ selection, exportId })]);
    return { selection, exportId };
  }

  #writerSettings(signal: AbortSignal, frameConcurrency: number): ExportWriterSettings {
    const { lake, level, bundleSizeBytes, inspect, onProgress } = this.#settings;
    return {
      lake,
      archive: this.#archive,
      level,
      bundleSizeBytes,
      frameConcurrency,
      inspect,
      scratchDir: this.#scratchDir,
      toolVersion: toolVersion(),
      signal,
      onProgress,
    };
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
  for (const selection of selections) {
    batch.push(selection);
    bytes += selection.entries.bytes;
    if (batch.length < BATCH_EXPORTS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function begunExport({ selection, exportId }: Planned): BegunExport {
  return { path: selection.path, scanDigest: selection.entries.scanDigest, exportId };
}

function countsOf({
  path: exportPath,
  entries,
}: ExportSelection): Pick<PackedExport, 'path' | 'files' | 'directories' | 'bytes'> {
  return { path: exportPath, files: entries.files, directories: entries.directories, bytes: entries.bytes };
}

function failed(selection: ExportSelection, findings: readonly Finding[]): PackedExport {
  return { ...countsOf(selection), status: 'failed', storedBytes: 0, bundles: 0, findings };
}

function unchangedReport(selection: ExportSelection, newest: ExportRef | undefined): PackedExport {
  const exportId = newest?.exportId;
  const common = { ...countsOf(selection), storedBytes: 0, bundles: 0, findings: selection.findings };
  return { ...common, status: 'unchanged', ...(exportId !== undefined && { exportId }) };
}

function packedOutcome({ selection, exportId }: Planned, { finished, findings }: WrittenExport): Outcome {
  const { head } = finished;
  const report: PackedExport = {
    ...countsOf(selection),
    status: 'packed',
    exportId,
    storedBytes: head.totals.storedBytes,
    bundles: head.bundles.length,
    contentDigest: head.contentDigest,
    findings: [...selection.findings, ...findings],
  };
  return { report, finished };
}

function sourceFinding(error: Error & { code: string; hint?: string | undefined }, { selection }: Planned): Finding {
  const code = error.code === 'SOURCE_CHANGED' ? 'SOURCE_CHANGED' : 'SOURCE_UNREADABLE';
  return finding(
    code,
    error.message,
    { partition: selection.path },
    { ...(error.hint !== undefined && { repair: error.hint }) },
  );
}
