/** One run of verify: which exports and files, how deep, and all findings of each. */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Archive, archiveAt, type ArchivePlace } from '../../archive/archive.js';
import { parseBundleKey, type ExportRef } from '../../archive/layout.js';
import { ByteBudget } from '../../base/byte-budget.js';
import { isLakepackError, LakepackError, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { MIB } from '../../base/limits.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { seededRandom } from '../../base/random.js';
import { inScratchFolder } from '../../base/scratch-folder.js';
import { sharedSignal } from '../../base/shared-signal.js';
import { checkBundle, type BundleCheck } from '../../bundle/check.js';
import type { ExportManifest, FileEntry } from '../../schema/export-manifest.js';
import { openBundleFile } from '../bundle-file.js';
import { findExports } from '../export-selection.js';
import { mapOrStop } from '../map-settled.js';
import type { ExportSelector } from '../selection.js';
import type { VerifiedExport, VerifyDepth, VerifyOptions } from './contract.js';
import { AHEAD_BYTES, wholeSource, type FoundBundle } from './found-source.js';
import { ExportProof } from './prove-export.js';
import { Provers } from './provers.js';
import { ToldOnce } from './told-once.js';
import { verifyEntries, verifyManifest } from './verify-manifest.js';
import { sampleBlocks, sampleFiles } from './verify-sample.js';

export interface VerifySettings {
  readonly archive: ArchivePlace | undefined;
  readonly select: ExportSelector | undefined;
  readonly bundleFiles: readonly string[];
  readonly depth: VerifyDepth;
  readonly sample: number;
  readonly sampleSeed: number;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

/** Throws USAGE. */
export function settingsOfVerify(options: VerifyOptions): VerifySettings {
  const { archive, select, bundleFiles = [], sample = 1 } = options;
  if (archive === undefined && bundleFiles.length === 0) {
    throw new LakepackError('USAGE', 'verify: nothing to verify: expected an archive or bundle files', {
      hint: 'give --archive ARCHIVE, or the path of a .tar.zst file',
    });
  }
  if (!(sample > 0 && sample <= 1)) {
    throw new LakepackError('USAGE', `sample: expected a share over 0 and up to 100 %, got ${sample * 100} %`);
  }
  return {
    archive,
    select,
    bundleFiles,
    depth: options.depth ?? 'contents',
    sample,
    sampleSeed: options.sampleSeed ?? randomInt(2 ** 32),
    concurrency: options.concurrency ?? availableParallelism(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

export async function runVerify(settings: VerifySettings): Promise<readonly VerifiedExport[]> {
  const place = settings.archive === undefined ? undefined : withoutFallback(settings.archive);
  const archive = place === undefined ? undefined : await archiveAt(place, { mode: 'read' });
  const provers = new Provers(settings.concurrency);
  try {
    return await inScratchFolder((folder) => new VerifySession(settings, folder, provers).run(archive));
  } finally {
    await provers.close();
    await archive?.close();
  }
}

/** What is verified is this archive: a fallback would hide what is missing in it. */
function withoutFallback(place: ArchivePlace): ArchivePlace {
  if (place instanceof Archive) return new Archive(place.remote, { isBorrowed: true });
  return typeof place === 'string' ? place : { ...place, fallback: [] };
}

/** Exports of a distant archive that are looked at at once, where they are small. */
const EXPORTS_AT_ONCE = 16;
/** What checks of distant bundles may hold together: stored bytes read ahead, and contents. */
const BUDGET_BYTES = 128 * MIB;
const CONTENT_BYTES = 16 * MIB;

interface CheckContext {
  readonly archive: Archive;
  readonly ref: ExportRef;
  readonly manifest: ExportManifest;
  /** Frames decoded at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** What became of one export before its bundles were checked. */
interface ReadExport {
  readonly findings: readonly Finding[];
  readonly hasEntries: boolean;
  /** Bundles of which nothing more is to be said, by number. */
  readonly proven: ReadonlyMap<number, BundleCheck>;
}

class VerifySession {
  readonly #settings: VerifySettings;
  readonly #scratchDir: string;
  readonly #provers: Provers;
  readonly #budget = new ByteBudget(BUDGET_BYTES);
  #totals = { files: 0, bytes: 0 };

  constructor(settings: VerifySettings, scratchDir: string, provers: Provers) {
    this.#settings = settings;
    this.#scratchDir = scratchDir;
    this.#provers = provers;
  }

  async run(archive: Archive | undefined): Promise<VerifiedExport[]> {
    const { select, bundleFiles, concurrency, onProgress } = this.#settings;
    onProgress({ type: 'phase', phase: 'verify' });
    const results: VerifiedExport[] = [];
    for (const file of bundleFiles) results.push(await this.#verifyFile(file));
    if (archive === undefined || (select === undefined && bundleFiles.length > 0)) return results;
    const refs = await this.#refs(archive);
    // Bundles side by side only where there are many: within one, frames are decoded side by side.
    const most = archive.remote.isDistant ? Math.max(concurrency, EXPORTS_AT_ONCE) : concurrency;
    const width = Math.min(most, refs.length);
    const how = { concurrency: width, signal: this.#settings.signal };
    const exports = await mapOrStop(refs, how, (ref, signal) =>
      this.#verifyExport(archive, ref, width === 1 ? concurrency + 2 : 2, signal),
    );
    const orphans = select === undefined ? await this.#findOrphans(archive, refs) : [];
    return [...results, ...exports, ...orphans];
  }

  /** None for an archive without exports where bundles are left: those are findings. Without either there is no archive. */
  async #refs(archive: Archive): Promise<readonly ExportRef[]> {
    const { select, signal } = this.#settings;
    try {
      return await findExports(archive, select ?? { history: true }, signal);
    } catch (error) {
      const isEmpty = select === undefined && isLakepackError(error, 'NOT_FOUND');
      if (isEmpty && (await this.#findOrphans(archive, [])).length > 0) return [];
      throw error;
    }
  }

  async #verifyExport(archive: Archive, ref: ExportRef, frames: number, signal: AbortSignal): Promise<VerifiedExport> {
    const { depth, sample } = this.#settings;
    throwIfAborted(signal);
    const { manifest, findings, bundles } = await verifyManifest(archive, ref, signal);
    const result = {
      name: ref.exportId,
      path: ref.path,
      bundles: manifest?.bundles.length ?? 0,
      files: manifest?.totals.files ?? 0,
    };
    if (manifest === undefined) return this.#told({ ...result, ...withFindings(findings) });
    const context = { archive, ref, manifest, concurrency: frames, signal };
    const progress = manifest.bundles.map(() => new ToldOnce((bytes) => this.#advance(bytes)));
    if (depth !== 'manifest') this.#addTotal(manifest);
    const isWhole = depth === 'contents' && sample === 1;
    const read = isWhole
      ? await this.#prove(context, bundles, progress)
      : { ...(await verifyEntries(archive, ref, manifest, undefined, signal)), proven: new Map<number, BundleCheck>() };
    const known = [...read.findings, ...findings];
    if (depth === 'manifest') return this.#told({ ...result, ...withFindings(known) });
    if (sample < 1) return this.#told({ ...result, ...(await this.#checkSample(context, known, read.hasEntries)) });
    const checks: BundleCheck[] = [];
    for (const [index, { name }] of manifest.bundles.entries()) {
      const found = bundles.get(name);
      const proven = read.proven.get(index + 1);
      if (proven !== undefined) checks.push(proven);
      // A missing bundle is a finding of the manifest already.
      else if (found !== undefined) {
        checks.push(...(await this.#checkInTurn(context, read.hasEntries, found, index + 1, progress[index])));
      }
    }
    return this.#told({ ...result, ...withChecks(known, checks) });
  }

  /** Reads the entries, and proves what can be proven of the bundles meanwhile. */
  async #prove(
    context: CheckContext,
    bundles: ReadonlyMap<string, FoundBundle>,
    progress: readonly ToldOnce[],
  ): Promise<ReadExport> {
    const { archive, ref, manifest, signal } = context;
    const { runner, slabs } = this.#provers.forWork(manifest.totals.bytes);
    const proof = new ExportProof({
      manifest,
      runner,
      slabs,
      signal,
      open: (number) => {
        const found = bundles.get(manifest.bundles[number - 1]?.name ?? '');
        return found === undefined ? undefined : wholeSource(archive, ref, found, signal);
      },
      onBytes: (number, bytes) => progress[number - 1]?.add(bytes),
    });
    const largest = [...bundles.values()].reduce((most, { bytes }) => Math.max(most, bytes), 0);
    return await this.#inTurn(context, largest, async () => {
      try {
        const entries = await verifyEntries(archive, ref, manifest, proof, signal);
        const proven = await proof.end();
        // What was compared with entries that are wrong themselves says nothing.
        return { ...entries, proven: entries.findings.length === 0 ? proven : new Map<number, BundleCheck>() };
      } finally {
        await proof.close();
      }
    });
  }

  async #checkSample(
    { archive, ref, manifest, signal }: CheckContext,
    known: readonly Finding[],
    hasEntries: boolean,
  ): Promise<Omit<VerifiedExport, 'name' | 'path' | 'bundles'>> {
    const { depth, sample, sampleSeed, concurrency } = this.#settings;
    const options = { share: sample, random: seededRandom(sampleSeed), concurrency, signal };
    // Of an export of empty files and folders only, no file would have a byte to look at.
    const byBlock = depth === 'stored' || !hasEntries || manifest.totals.bytes === 0;
    const part = await (byBlock ? sampleBlocks : sampleFiles)(archive, ref, manifest, options);
    this.#advance(part.storedBytes);
    return { files: part.files, ...withFindings([...known, ...part.findings], part.storedBytes, part.contentBytes) };
  }

  async #checkInTurn(
    context: CheckContext,
    hasEntries: boolean,
    found: FoundBundle,
    number: number,
    progress: ToldOnce | undefined,
  ): Promise<readonly BundleCheck[]> {
    progress?.restart();
    return await this.#inTurn(context, found.bytes, () =>
      this.#checkBundle(context, hasEntries, found, number, (bytes) => progress?.add(bytes)),
    );
  }

  /** From afar many are begun at once: then they wait for room. */
  async #inTurn<T>(
    { archive, manifest, signal }: CheckContext,
    bundleBytes: number,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!archive.remote.isDistant) return await work();
    const cost = Math.min(bundleBytes, AHEAD_BYTES) + Math.min(manifest.totals.bytes, CONTENT_BYTES);
    return await this.#budget.run(cost, signal, work);
  }

  async #checkBundle(
    context: CheckContext,
    hasEntries: boolean,
    found: FoundBundle,
    number: number,
    onBytes: (bytes: number) => void,
  ): Promise<readonly BundleCheck[]> {
    const { archive, ref, manifest, concurrency, signal } = context;
    const facts = manifest.bundles[number - 1];
    if (facts === undefined) return [];
    const { depth } = this.#settings;
    const source = wholeSource(archive, ref, found, signal);
    const where = { exportId: ref.exportId, partition: ref.path, bundle: facts.name };
    const common = { where, concurrency, scratchDir: this.#scratchDir, signal, onBytes };
    const sidecar = { manifest, facts, number, entries: entriesOf(archive.entries(ref, manifest, signal), number) };
    try {
      if (depth === 'stored') return [await checkBundle(source, { ...common, depth, sidecar })];
      if (hasEntries) return [await checkBundle(source, { ...common, depth: 'contents', sidecar })];
      // Without its file entries a bundle can still be compared with its hashes, and with what it says of itself.
      const stored = await checkBundle(source, { ...common, depth: 'stored', sidecar });
      const { findings } = await checkBundle(source, { ...common, depth: 'contents', sidecar: undefined });
      return [{ ...stored, findings: [...stored.findings, ...findings] }];
    } finally {
      await source.close();
    }
  }

  async #verifyFile(file: string): Promise<VerifiedExport> {
    const { signal, depth, concurrency } = this.#settings;
    const name = path.basename(file);
    const source = await openBundleFile(file);
    try {
      const check = await checkBundle(source, {
        depth: depth === 'contents' ? 'contents' : 'stored',
        sidecar: undefined,
        where: { bundle: name },
        concurrency: concurrency + 2,
        scratchDir: this.#scratchDir,
        signal,
        onBytes: (bytes) => this.#advance(bytes),
      });
      const all = withFindings(check.findings, check.storedBytes, check.contentBytes);
      return this.#told({ name, path: check.embedded?.source.path ?? '', bundles: 1, files: check.files, ...all });
    } finally {
      await source.close();
    }
  }

  /** Bundles that no manifest names: left by a run that was killed, or what is left when a manifest is lost. */
  async #findOrphans(archive: Archive, refs: readonly ExportRef[]): Promise<VerifiedExport[]> {
    const known = new Set(refs.map((ref) => ref.exportId));
    const orphans: VerifiedExport[] = [];
    for await (const { key } of archive.remote.list('exports/', { signal: this.#settings.signal })) {
      const bundle = parseBundleKey(key);
      if (bundle === undefined || known.has(bundle.exportId)) continue;
      const where = { exportId: bundle.exportId, partition: bundle.path, bundle: bundle.name };
      const repair = `lakepack verify ${key} checks it by itself; if no pack is running it is either garbage or has lost its manifest`;
      const one = finding('BUNDLE_ORPHANED', `${key}: no manifest names this bundle`, where, { repair });
      orphans.push({ name: bundle.exportId, path: bundle.path, bundles: 1, files: 0, ...withFindings([one]) });
    }
    return orphans;
  }

  #advance(bytes: number): void {
    this.#settings.onProgress({ type: 'advance', files: 0, bytes });
  }

  #addTotal({ totals }: ExportManifest): void {
    const { files, bytes } = this.#totals;
    this.#totals = { files: files + totals.files, bytes: bytes + totals.storedBytes };
    this.#settings.onProgress({ type: 'total', ...this.#totals });
  }

  #told(result: VerifiedExport): VerifiedExport {
    this.#settings.onProgress({
      type: 'item',
      name: result.name,
      status: result.ok ? 'ok' : 'damaged',
      detail: result.path,
    });
    return result;
  }
}

/** The entries of one bundle; they stand together. */
async function* entriesOf(entries: AsyncIterable<FileEntry>, bundle: number): AsyncGenerator<FileEntry> {
  for await (const entry of entries) {
    if (entry.bundle > bundle) return;
    if (entry.bundle === bundle) yield entry;
  }
}

/** What is said twice, of the manifest and of a bundle, is told once. */
function withChecks(known: readonly Finding[], checks: readonly BundleCheck[]): ReturnType<typeof withFindings> {
  const sum = (pick: (check: BundleCheck) => number): number => checks.reduce((total, one) => total + pick(one), 0);
  const told = new Set(known.map((one) => `${one.code} ${one.message}`));
  const more = checks.flatMap((check) => check.findings).filter((one) => !told.has(`${one.code} ${one.message}`));
  return withFindings(
    [...known, ...more],
    sum((one) => one.storedBytes),
    sum((one) => one.contentBytes),
  );
}

function withFindings(
  findings: readonly Finding[],
  storedBytesRead = 0,
  contentBytesRead = 0,
): Pick<VerifiedExport, 'ok' | 'findings' | 'storedBytesRead' | 'contentBytesRead'> {
  return { ok: !findings.some((one) => one.severity === 'error'), findings, storedBytesRead, contentBytesRead };
}
