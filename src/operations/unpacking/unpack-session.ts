/**
 * One run of unpack: plans against the target, stages every file with its bytes compared, then publishes. What stops
 * it before it publishes leaves the target as it was; what it staged is found again by the same command.
 */
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { archiveAt, type Archive, type ArchivePlace } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { LakepackError, mayPass, throwIfAborted } from '../../base/errors.js';
import type { Finding } from '../../base/findings.js';
import { globMatcher } from '../../base/glob.js';
import { comparePathBytes, showPath } from '../../base/paths.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { acquireLock } from '../../base/process-lock.js';
import { inScratchFolder } from '../../base/scratch-folder.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';
import { findExports } from '../export-selection.js';
import type { ExportSelector } from '../selection.js';
import type { HealedSum, UnpackedExport, UnpackOptions } from './contract.js';
import { healedReport } from './healed.js';
import { measureBundleFile } from './measure-bundle-file.js';
import { restoreBundleFile, type StagedContent } from './restore-bundle-file.js';
import { conflictError } from './restore-errors.js';
import { restoreExports } from './restore-exports.js';
import { frameSlabs, RestoreRunner, syncAll } from './restore-runner.js';
import { restoreForeign } from './restore-foreign.js';
import { planRestore, type RestorePlan } from './restore-plan.js';
import { selectionDigest, Staging } from './staging.js';
import { assertRestorable, assertSpace, inspectTarget, PresenceCheck, sha256OfFile, type Target } from './target.js';

export interface UnpackSettings {
  readonly from: ArchivePlace | undefined;
  readonly select: ExportSelector | undefined;
  readonly bundleFiles: readonly string[];
  readonly into: string;
  readonly paths: readonly string[];
  readonly replace: boolean;
  readonly merge: boolean;
  readonly foreign: boolean;
  readonly dryRun: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

export interface UnpackResult {
  readonly exports: readonly UnpackedExport[];
  readonly findings: readonly Finding[];
  readonly healed: readonly HealedSum[];
  readonly resumed: number;
}

/** What a session says; what was healed is known to the archive. */
type SessionResult = Omit<UnpackResult, 'findings' | 'healed'>;

/** Throws USAGE. */
export function settingsOfUnpack(options: UnpackOptions): UnpackSettings {
  const bundleFiles = options.bundleFiles ?? [];
  if (options.from === undefined && bundleFiles.length === 0) {
    throw new LakepackError('USAGE', 'unpack: nothing to restore: expected an archive or bundle files', {
      hint: 'give --from ARCHIVE with a selection, or the path of a .tar.zst file',
    });
  }
  return {
    from: options.from,
    select: options.select ?? (bundleFiles.length === 0 ? { all: true } : undefined),
    bundleFiles,
    into: options.into,
    paths: options.paths ?? [],
    replace: options.replace ?? false,
    merge: options.merge ?? false,
    foreign: options.foreign ?? false,
    dryRun: options.dryRun ?? false,
    concurrency: options.concurrency ?? availableParallelism(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

export async function runUnpack(settings: UnpackSettings): Promise<UnpackResult> {
  const archive = settings.from === undefined ? undefined : await archiveAt(settings.from, { mode: 'read' });
  try {
    const result = await inScratchFolder((folder) => new UnpackSession(settings, archive, folder).run());
    return { ...result, ...healedReport(archive?.takeHealed() ?? []) };
  } finally {
    await archive?.close();
  }
}

class UnpackSession {
  readonly #settings: UnpackSettings;
  readonly #archive: Archive | undefined;
  readonly #scratchDir: string;
  readonly #wants: (lakePath: string) => boolean;
  readonly #threads: RestoreRunner;

  constructor(settings: UnpackSettings, archive: Archive | undefined, scratchDir: string) {
    this.#settings = settings;
    this.#archive = archive;
    this.#scratchDir = scratchDir;
    this.#wants = globMatcher(settings.paths);
    this.#threads = new RestoreRunner(settings.concurrency);
  }

  async run(): Promise<SessionResult> {
    const { into, dryRun, onProgress } = this.#settings;
    onProgress({ type: 'phase', phase: 'plan' });
    const target = await inspectTarget(into);
    if (dryRun) return await this.#restore(target);
    const lock = await acquireLock(
      `unpack\n${target.folder}`,
      `${into}: another lakepack is restoring into this folder`,
    );
    try {
      return await this.#restore(target);
    } finally {
      await this.#threads.close();
      await lock.release();
    }
  }

  async #restore(target: Target): Promise<SessionResult> {
    const { into, dryRun, merge, replace } = this.#settings;
    const refs = await this.#refs();
    const isFresh = target.kind === 'fresh';
    const presence = new PresenceCheck(target.folder, isFresh);
    const plan = await this.#plan(refs, presence, isFresh);
    try {
      if (plan.jobs.length > 0) this.#assertSomething(plan);
      if (plan.jobs.length > 0) assertRestorable(target, plan.topNames, merge);
      if (plan.conflictCount > 0) throw conflictError(into, plan.conflicts, plan.conflictCount, replace);
      if (dryRun) return await this.#rehearse(target, plan, presence);
      return await this.#stageAndPublish(target, refs, plan, presence);
    } finally {
      plan.dispose();
    }
  }

  /** A glob that fits nothing is a slip of the pen; a restore that did nothing would pass for one that did. */
  #assertSomething(plan: RestorePlan): void {
    const { paths, bundleFiles } = this.#settings;
    if (paths.length === 0 || bundleFiles.length > 0 || plan.topNames.size > 0) return;
    throw new LakepackError('NOT_FOUND', `${paths.map(showPath).join(', ')}: no file of the selected exports fits`, {
      hint: 'lakepack catalog files lists their paths; a glob is about the whole lake path: **/*.parquet',
    });
  }

  async #refs(): Promise<readonly ExportRef[]> {
    const { select, signal } = this.#settings;
    if (this.#archive === undefined || select === undefined) return [];
    return await findExports(this.#archive, select, signal);
  }

  async #plan(refs: readonly ExportRef[], presence: PresenceCheck, isFresh: boolean): Promise<RestorePlan> {
    const { replace, signal, paths, dryRun, bundleFiles } = this.#settings;
    if (this.#archive === undefined) return NOTHING_PLANNED;
    const wants = this.#wants;
    const isWhole = isFresh && !dryRun && paths.length === 0;
    return await planRestore({
      archive: this.#archive,
      refs,
      wants,
      replace,
      presence,
      // What is in bundle files is compared with what the plan says.
      isWhole: isWhole && bundleFiles.length === 0,
      scratchDir: this.#scratchDir,
      signal,
      onManifest: ({ totals }) => isWhole && this.#threads.expect(totals),
    });
  }

  /** A dry run: what is to come, checked as far as it can be without writing. */
  async #rehearse(target: Target, plan: RestorePlan, presence: PresenceCheck): Promise<SessionResult> {
    const { bundleFiles, foreign, concurrency, signal, into, replace, merge } = this.#settings;
    const exports = [...planned(plan)];
    const settings = {
      wants: this.#wants,
      foreign,
      concurrency,
      scratchDir: this.#scratchDir,
      signal,
      presence,
      replace,
    };
    for (const file of bundleFiles) {
      const { row, topNames, conflicts } = await measureBundleFile(settings, file);
      assertRestorable(target, topNames, merge);
      if (conflicts.length > 0) throw conflictError(into, conflicts.slice(0, 10), conflicts.length, replace);
      exports.push(row);
    }
    await assertSpace(
      target.folder,
      exports.reduce((sum, one) => sum + one.bytes, 0),
    );
    return { exports, resumed: 0 };
  }

  async #stageAndPublish(
    target: Target,
    refs: readonly ExportRef[],
    plan: RestorePlan,
    presence: PresenceCheck,
  ): Promise<SessionResult> {
    const { paths, replace, bundleFiles, foreign, onProgress } = this.#settings;
    const names = [...refs.map((ref) => ref.exportId), ...(await Promise.all(bundleFiles.map(fileIdentity)))];
    if (bundleFiles.length === 0 && plan.jobs.every((job) => job.isEmpty)) {
      // A run that was killed after its last file got its name has left its staging folder.
      await Staging.removeLeftovers(target);
      return { exports: planned(plan), resumed: 0 };
    }
    const comparesFiles = bundleFiles.length > 0;
    const staging = await Staging.open(target, selectionDigest(names, { paths, foreign }), comparesFiles);
    for (const job of plan.jobs) this.#threads.expect(job.expected);
    try {
      const result = await this.#stage(staging, target, plan, presence);
      onProgress({ type: 'phase', phase: 'publish' });
      throwIfAborted(this.#settings.signal);
      await staging.publish(replace, (folders) => syncAll(this.#threads.get(), folders));
      return result;
    } catch (error) {
      // What it has staged is found again by the same command.
      if (!mayPass(error)) await staging.discard();
      throw error;
    }
  }

  async #stage(staging: Staging, target: Target, plan: RestorePlan, presence: PresenceCheck): Promise<SessionResult> {
    const { onProgress, signal, bundleFiles } = this.#settings;
    const bytes = plan.jobs.reduce((sum, job) => sum + job.expected.bytes, 0);
    const files = plan.jobs.reduce((sum, job) => sum + job.expected.files, 0);
    await assertSpace(target.folder, Math.max(0, bytes - (await staging.stagedBytes())));
    onProgress({ type: 'phase', phase: 'restore' });
    onProgress({ type: 'total', files, bytes });
    const resuming = staging.resumed;
    const runner = this.#threads.get();
    const slabs = frameSlabs(runner);
    const settings = this.#archive && { archive: this.#archive, staging, resuming, runner, slabs, signal, onProgress };
    const resumed = settings === undefined ? 0 : await restoreExports(settings, plan.jobs);
    const exports = [...planned(plan)];
    for (const file of bundleFiles) exports.push(await this.#stageFile(staging, target, file, presence));
    return { exports, resumed };
  }

  async #stageFile(staging: Staging, target: Target, file: string, presence: PresenceCheck): Promise<UnpackedExport> {
    const { concurrency, signal, onProgress, foreign } = this.#settings;
    const settings = {
      staging,
      presence,
      wants: this.#wants,
      concurrency,
      scratchDir: this.#scratchDir,
      signal,
      onProgress,
    };
    const content = foreign ? await restoreForeign(settings, file) : await restoreBundleFile(settings, file);
    try {
      return await this.#reconcile(staging, target, content, presence);
    } finally {
      content.paths.dispose();
    }
  }

  /** A bundle by itself says only at its end what it holds; now it is compared with what is there. */
  async #reconcile(
    staging: Staging,
    target: Target,
    content: StagedContent,
    presence: PresenceCheck,
  ): Promise<UnpackedExport> {
    const { into, replace, merge } = this.#settings;
    const topNames = new Set<string>();
    const conflicts: string[] = [];
    let kept = 0;
    let keptBytes = 0;
    let replaced = 0;
    for await (const line of content.paths) {
      const lakePath = JSON.parse(line) as string;
      topNames.add(lakePath.split('/', 1)[0] ?? '');
      const staged = await staging.facts(lakePath);
      if (staged === undefined) continue;
      const sha256 = staged.type === 'file' ? await sha256OfFile(staged.disk) : undefined;
      const wanted = {
        path: lakePath,
        bytes: staged.bytes,
        ...(sha256 === undefined ? { type: 'directory' as const } : { sha256 }),
      };
      const found = await presence.of(wanted);
      if (found === 'different' && replace && sha256 !== undefined) replaced += 1;
      else if (found === 'different' || found === 'blocked') conflicts.push(lakePath);
      if (found !== 'equal' || sha256 === undefined) continue;
      await staging.drop(lakePath);
      kept += 1;
      keptBytes += staged.bytes;
    }
    assertRestorable(target, topNames, merge);
    if (conflicts.length > 0) throw conflictError(into, conflicts.slice(0, 10), conflicts.length, replace);
    const { name, path: partition, files, bytes } = content;
    return { name, path: partition, files: files - kept, bytes: bytes - keptBytes, kept, replaced };
  }
}

const NOTHING_PLANNED: RestorePlan = {
  jobs: [],
  conflicts: [],
  conflictCount: 0,
  topNames: new Set(),
  dispose: () => undefined,
};

/** Another file under the same name must not find what was staged from the one before it. */
async function fileIdentity(file: string): Promise<string> {
  const stats = await onDisk(file, () => unlessAbsent(() => stat(file, { bigint: true })));
  return JSON.stringify([path.resolve(file), String(stats?.size), String(stats?.mtimeNs)]);
}

function planned(plan: RestorePlan): UnpackedExport[] {
  const jobs = [...plan.jobs].sort((a, b) => comparePathBytes(a.ref.path, b.ref.path));
  return jobs.map(({ ref, files, bytes, kept, replaced }) => ({
    name: ref.exportId,
    path: ref.path,
    files,
    bytes,
    kept,
    replaced,
  }));
}
