/**
 * Decides what of the selected exports is restored: which entries are wanted, which are there already, and which
 * stand in the way. It reads manifests and the target; it writes nothing outside its scratch folder. Where nothing can
 * stand in the way, the plan is made while it is carried out: half of a large restore's time would pass before it began.
 */
import path from 'node:path';
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { isNewer } from '../../archive/select-exports.js';
import { throwIfAborted } from '../../base/errors.js';
import { LineSpool } from '../../base/line-spool.js';
import { coversFile, parseExportPath } from '../../lake/export-path.js';
import type { ExportManifest, FileEntry } from '../../schema/export-manifest.js';
import { createEntryRules } from '../../schema/entry-rules.js';
import { prefetch } from '../prefetch.js';
import { addRange, isFar, type StoredRange } from '../read-ahead.js';
import { BatchWriter } from './restore-batch.js';
import { manifestError } from './restore-errors.js';
import type { Presence, PresenceCheck } from './target.js';

export interface RestoreJob {
  readonly ref: ExportRef;
  readonly manifest: ExportManifest;
  /** Entries to restore, in tar order, as lines for `readBatch`; read once. May throw what is wrong with the export's list. */
  readonly batches: AsyncIterable<string>;
  /** What is in them; known before they are read. */
  readonly expected: { readonly files: number; readonly bytes: number };
  /** True where there are none. */
  readonly isEmpty: boolean;
  /** What of each bundle's stored bytes holds them, by its number; of a distant archive. */
  readonly ranges: ReadonlyMap<number, readonly StoredRange[]>;
  /** Counted, as what follows, once all batches were read. */
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** Files that are there, equal byte for byte. */
  readonly kept: number;
  /** Files that are there and differ, to be replaced. */
  readonly replaced: number;
}

export interface RestorePlan {
  readonly jobs: readonly RestoreJob[];
  /** Lake paths of files that are there and differ: the first of them, and how many there are. */
  readonly conflicts: readonly string[];
  readonly conflictCount: number;
  readonly topNames: ReadonlySet<string>;
  /** Gives the scratch space back. */
  dispose(): void;
}

export interface RestorePlanOptions {
  readonly archive: Archive;
  readonly refs: readonly ExportRef[];
  readonly wants: (lakePath: string) => boolean;
  readonly replace: boolean;
  readonly presence: PresenceCheck;
  /** Everything goes into an empty folder: nothing is there to be compared with, and nothing is left out. */
  readonly isWhole: boolean;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  /** Is told of each manifest before its entries are read. */
  readonly onManifest: (manifest: ExportManifest) => unknown;
}

/** An export and the folder that holds all of it, worked out once: every export is compared with every newer one. */
interface Reach {
  readonly ref: ExportRef;
  /** Undefined where the partition path does not say. */
  readonly folder: string | undefined;
}

const LISTED_CONFLICTS = 10;
/** Manifests of a distant archive that are read at once. */
const MANIFESTS_AHEAD = 16;

export async function planRestore(options: RestorePlanOptions): Promise<RestorePlan> {
  const planner = new Planner(options);
  // The newest export first: where several hold a file, its version is the one that is restored.
  const refs = [...options.refs].sort((a, b) => (isNewer(a, b) ? -1 : 1));
  const newer: Reach[] = [];
  const { archive, signal } = options;
  const ahead = isFar(archive) ? MANIFESTS_AHEAD : 1;
  const manifests = prefetch(refs, { ahead, signal }, (ref, stop) => archive.manifest(ref, stop));
  for await (const [ref, manifest] of manifests) {
    options.onManifest(manifest);
    const reach = { ref, folder: folderOfExport(ref.path) };
    await planner.add(
      ref,
      manifest,
      newer.flatMap((other) => (mayOverlap(other.folder, reach.folder) ? [other.ref] : [])),
    );
    newer.push(reach);
  }
  return planner;
}

type LinesOfJob = (job: PlannedJob) => AsyncIterable<string>;

class PlannedJob implements RestoreJob {
  readonly ref: ExportRef;
  readonly manifest: ExportManifest;
  readonly ranges = new Map<number, StoredRange[]>();
  files = 0;
  directories = 0;
  bytes = 0;
  kept = 0;
  replaced = 0;
  readonly batches: AsyncIterable<string>;
  /** Undefined where batches are planned, and counted, as they are read. */
  readonly #spool: LineSpool | undefined;

  /** @param batches a spool with all of them, or what plans them for this job when it is read. */
  constructor(ref: ExportRef, manifest: ExportManifest, batches: LineSpool | LinesOfJob) {
    this.ref = ref;
    this.manifest = manifest;
    this.#spool = typeof batches === 'function' ? undefined : batches;
    this.batches = typeof batches === 'function' ? batches(this) : batches;
  }

  get expected(): RestoreJob['expected'] {
    return this.#spool === undefined ? this.manifest.totals : this;
  }

  get isEmpty(): boolean {
    if (this.#spool !== undefined) return this.#spool.count === 0;
    return this.manifest.totals.files + this.manifest.totals.directories === 0;
  }

  dispose(): void {
    this.#spool?.dispose();
  }
}

function rangesOf({ ranges }: PlannedJob, bundle: number): StoredRange[] {
  const found = ranges.get(bundle) ?? [];
  ranges.set(bundle, found);
  return found;
}

class Planner implements RestorePlan {
  readonly jobs: PlannedJob[] = [];
  readonly conflicts: string[] = [];
  readonly topNames = new Set<string>();
  conflictCount = 0;
  readonly #options: RestorePlanOptions;
  readonly #taken = new TakenNames();
  /** Exports whose partition path does not say what they hold (runs): with one of them every file is remembered. */
  readonly #hasOpen: boolean;
  readonly #isFar: boolean;

  constructor(options: RestorePlanOptions) {
    this.#options = options;
    this.#isFar = isFar(options.archive);
    this.#hasOpen = options.refs.some(({ path }) => ['run', 'rest'].includes(parseExportPath(path).type));
  }

  /** @param covering newer exports that may hold a file of this one. */
  async add(ref: ExportRef, manifest: ExportManifest, covering: readonly ExportRef[]): Promise<void> {
    const { isWhole, refs, scratchDir } = this.#options;
    // What is read ahead from afar must be known before; and so must what other exports hold.
    if (isWhole && refs.length === 1 && !this.#isFar) {
      this.jobs.push(new PlannedJob(ref, manifest, (job) => this.#linesOf(job, covering)));
      return;
    }
    const spool = new LineSpool({ scratchDir });
    const job = new PlannedJob(ref, manifest, spool);
    this.jobs.push(job);
    for await (const line of this.#linesOf(job, covering)) spool.append(line);
  }

  dispose(): void {
    for (const job of this.jobs) job.dispose();
  }

  /** The lines of one export for `readBatch`, counted. Throws what is wrong with its list of entries. */
  async *#linesOf(job: PlannedJob, covering: readonly ExportRef[]): AsyncGenerator<string> {
    const { archive, signal, presence, refs } = this.#options;
    const { ref, manifest } = job;
    const rules = createEntryRules(manifest);
    let lines: string[] = [];
    const writer = new BatchWriter((line) => void lines.push(line));
    const isLast = this.jobs.length === refs.length;
    // Of loose files too: what is below one of them by name is in an export that theirs does not cover.
    const keepsFiles = this.#hasOpen || parseExportPath(ref.path).type === 'files';
    for await (const { entries } of archive.entryBatches(ref, manifest, signal)) {
      throwIfAborted(signal);
      for (const entry of entries) {
        const faults = rules.next(entry);
        if (faults.length > 0) throw manifestError(ref, faults);
        if (!this.#isWanted(entry, covering)) continue;
        if (!isLast) this.#taken.take(entry, keepsFiles);
        this.topNames.add(entry.path.split('/', 1)[0] ?? '');
        // Most can be told at once, and a promise for each would take as long as all the rest.
        this.#place(entry, job, writer, presence.known(entry.path) ?? (await presence.of(entry)));
      }
      yield* lines;
      lines = [];
    }
    writer.end();
    const faults = rules.end();
    if (faults.length > 0) throw manifestError(ref, faults);
    yield* lines;
  }

  /** A file that a newer selected export covers is that one's business, also when it no longer holds it. */
  #isWanted(entry: FileEntry, covering: readonly ExportRef[]): boolean {
    if (!this.#options.wants(entry.path)) return false;
    if (covering.some((other) => coversFile(other.path, entry.path, entry.type === 'directory'))) return false;
    return !this.#taken.has(entry);
  }

  #place(entry: FileEntry, job: PlannedJob, writer: BatchWriter, presence: Presence): void {
    if (presence === 'equal') {
      if (entry.type !== 'directory') job.kept += 1;
      return;
    }
    if (presence !== 'absent') {
      if (presence === 'blocked' || !this.#options.replace) {
        this.#conflict(entry.path);
        return;
      }
      job.replaced += 1;
    }
    writer.add(entry);
    if (this.#isFar && entry.bytes > 0) addRange(rangesOf(job, entry.bundle), entry.stored);
    if (entry.type === 'directory') job.directories += 1;
    else job.files += 1;
    job.bytes += entry.bytes;
  }

  #conflict(lakePath: string): void {
    this.conflictCount += 1;
    if (this.conflicts.length < LISTED_CONFLICTS) this.conflicts.push(lakePath);
  }
}

/**
 * The names that newer exports of a restore have taken. An older export says what once stood there: a file whose name
 * is a folder by now, or that lies below what is a file by now, is gone, and must not stand in the way of the newer one.
 */
class TakenNames {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>(['.']);

  /** @param keepsFile false where the path of the entry's export says already that it holds everything below it. */
  take(entry: FileEntry, keepsFile: boolean): void {
    if (entry.type !== 'directory' && keepsFile) this.#files.add(entry.path);
    const folder = entry.type === 'directory' ? entry.path : path.posix.dirname(entry.path);
    for (let above = folder; !this.#folders.has(above); above = path.posix.dirname(above)) this.#folders.add(above);
  }

  /** True where an export that was taken before has the name, or one that cannot stand beside it. */
  has(entry: FileEntry): boolean {
    if (this.#folders.has(entry.path)) return true;
    if (this.#files.size === 0) return false;
    for (let name = entry.path; name !== '.'; name = path.posix.dirname(name)) if (this.#files.has(name)) return true;
    return false;
  }
}

/** Whether one export could hold a file of the other, by the folders of their partition paths alone. */
function mayOverlap(x: string | undefined, y: string | undefined): boolean {
  return x === undefined || y === undefined || isWithin(x, y) || isWithin(y, x);
}

/** Undefined where the path does not say which folder holds it all. */
function folderOfExport(exportPath: string): string | undefined {
  const scope = parseExportPath(exportPath);
  return scope.type === 'folder' || scope.type === 'files' ? scope.folder : undefined;
}

function isWithin(folder: string, above: string): boolean {
  return above === '' || folder === above || folder.startsWith(`${above}/`);
}
