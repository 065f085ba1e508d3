/** One run of verify: which exports and files, how deep, and all findings of each. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import pMap from 'p-map';
import { openArchive, type Archive } from '../../archive/archive.js';
import { parseBundleKey, type ExportRef } from '../../archive/layout.js';
import { isLakepackError, LakepackError, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { ignoreProgress, type ProgressListener } from '../../base/progress.js';
import { seededRandom } from '../../base/random.js';
import { fromSystemError } from '../../base/system-errors.js';
import { openFileSource } from '../../bundle/byte-source.js';
import { checkBundle, type BundleCheck } from '../../bundle/check.js';
import type { ExportManifest, FileEntry } from '../../schema/export-manifest.js';
import { findExports } from '../export-selection.js';
import type { ExportSelector } from '../selection.js';
import type { VerifiedExport, VerifyDepth, VerifyOptions } from './contract.js';
import { verifyManifest } from './verify-manifest.js';
import { sampleBlocks, sampleFiles } from './verify-sample.js';

export interface VerifySettings {
  readonly archive: string | undefined;
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
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

export async function runVerify(settings: VerifySettings): Promise<readonly VerifiedExport[]> {
  const scratchDir = await mkdtemp(path.join(tmpdir(), 'lakepack-'));
  const archive = settings.archive === undefined ? undefined : await openArchive(settings.archive, { mode: 'read' });
  try {
    return await new VerifySession(settings, scratchDir).run(archive);
  } finally {
    await archive?.close();
    await rm(scratchDir, { recursive: true, force: true });
  }
}

class VerifySession {
  readonly #settings: VerifySettings;
  readonly #scratchDir: string;
  #totals = { files: 0, bytes: 0 };

  constructor(settings: VerifySettings, scratchDir: string) {
    this.#settings = settings;
    this.#scratchDir = scratchDir;
  }

  async run(archive: Archive | undefined): Promise<VerifiedExport[]> {
    const { select, bundleFiles, concurrency, signal, onProgress } = this.#settings;
    onProgress({ type: 'phase', phase: 'verify' });
    const results: VerifiedExport[] = [];
    for (const file of bundleFiles) results.push(await this.#verifyFile(file));
    if (archive === undefined || (select === undefined && bundleFiles.length > 0)) return results;
    const refs = await findExports(archive, select ?? { history: true }, signal);
    // Bundles side by side only where there are many: within one, frames are decoded side by side.
    const width = Math.min(concurrency, refs.length);
    const exports = await pMap(refs, (ref) => this.#verifyExport(archive, ref, width === 1 ? concurrency + 2 : 2), {
      concurrency: width,
    });
    const orphans = select === undefined ? await this.#findOrphans(archive, refs) : [];
    return [...results, ...exports, ...orphans];
  }

  async #verifyExport(archive: Archive, ref: ExportRef, frames: number): Promise<VerifiedExport> {
    const { depth, signal, sample, sampleSeed, onProgress, concurrency } = this.#settings;
    throwIfAborted(signal);
    const { manifest, findings } = await verifyManifest(archive, ref, signal);
    const result = {
      name: ref.exportId,
      path: ref.path,
      bundles: manifest?.bundles.length ?? 0,
      files: manifest?.totals.files ?? 0,
    };
    if (manifest === undefined || depth === 'manifest') return this.#told({ ...result, ...withFindings(findings) });
    this.#addTotal(manifest);
    if (sample < 1) {
      const options = { share: sample, random: seededRandom(sampleSeed), concurrency, signal };
      const part = await (depth === 'stored' ? sampleBlocks : sampleFiles)(archive, ref, manifest, options);
      onProgress({ type: 'advance', files: 0, bytes: part.storedBytes });
      const all = withFindings([...findings, ...part.findings], part.storedBytes, part.contentBytes);
      return this.#told({ ...result, files: part.files, ...all });
    }
    const checks: BundleCheck[] = [];
    for (let number = 1; number <= manifest.bundles.length; number += 1) {
      const check = await this.#checkBundle(archive, ref, manifest, number, frames);
      if (check !== undefined) checks.push(check);
    }
    const sum = (pick: (check: BundleCheck) => number): number => checks.reduce((total, one) => total + pick(one), 0);
    const known = new Set(findings.map((one) => `${one.code} ${one.message}`));
    const more = checks.flatMap((check) => check.findings).filter((one) => !known.has(`${one.code} ${one.message}`));
    const all = withFindings(
      [...findings, ...more],
      sum((one) => one.storedBytes),
      sum((one) => one.contentBytes),
    );
    return this.#told({ ...result, ...all });
  }

  async #checkBundle(
    archive: Archive,
    ref: ExportRef,
    manifest: ExportManifest,
    number: number,
    concurrency: number,
  ): Promise<BundleCheck | undefined> {
    const facts = manifest.bundles[number - 1];
    if (facts === undefined) return undefined;
    const { depth, signal, onProgress } = this.#settings;
    try {
      const source = await archive.bundleSource(ref, facts.name, signal);
      try {
        return await checkBundle(source, {
          depth: depth === 'stored' ? 'stored' : 'contents',
          sidecar: { manifest, facts, number, entries: entriesOf(archive.entries(ref, manifest, signal), number) },
          where: { exportId: ref.exportId, partition: ref.path, bundle: facts.name },
          concurrency,
          scratchDir: this.#scratchDir,
          signal,
          onBytes: (bytes) => onProgress({ type: 'advance', files: 0, bytes }),
        });
      } finally {
        await source.close();
      }
    } catch (error) {
      // A missing bundle is a finding of the manifest already; a damaged files index too.
      if (isLakepackError(error, 'NOT_FOUND') || isLakepackError(error, 'HASH_MISMATCH')) return undefined;
      throw error;
    }
  }

  async #verifyFile(file: string): Promise<VerifiedExport> {
    const { signal, depth, onProgress, concurrency } = this.#settings;
    const name = path.basename(file);
    if (!existsSync(file)) throw new LakepackError('NOT_FOUND', `${file}: there is no such file`);
    const source = await openFileSource(file, name).catch((error: unknown) => {
      throw fromSystemError(error, file);
    });
    try {
      const check = await checkBundle(source, {
        depth: depth === 'contents' ? 'contents' : 'stored',
        sidecar: undefined,
        where: { bundle: name },
        concurrency: concurrency + 2,
        scratchDir: this.#scratchDir,
        signal,
        onBytes: (bytes) => onProgress({ type: 'advance', files: 0, bytes }),
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

function withFindings(
  findings: readonly Finding[],
  storedBytesRead = 0,
  contentBytesRead = 0,
): Pick<VerifiedExport, 'ok' | 'findings' | 'storedBytesRead' | 'contentBytesRead'> {
  return { ok: !findings.some((one) => one.severity === 'error'), findings, storedBytesRead, contentBytesRead };
}
