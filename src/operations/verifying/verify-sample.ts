/** Verifies a part of an export, chosen by chance: some blocks of stored bytes, or some files. */
import { createHash } from 'node:crypto';
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { isLakepackError, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding, type FindingPlace } from '../../base/findings.js';
import { showPath } from '../../base/paths.js';
import { samplePicker } from '../../base/random.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import { FrameReader, readSeekTable } from '../../bundle/frame-reader.js';
import type { BundleFacts, ExportManifest, FileEntry } from '../../schema/export-manifest.js';

export interface SampleOptions {
  /** Over 0 and below 1. At least one block or file is always looked at. */
  readonly share: number;
  readonly random: () => number;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

export interface SampleResult {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly storedBytes: number;
  readonly contentBytes: number;
}

const REPAIR = 'verify the whole export, then restore from another copy';

/** Some blocks of every bundle against their SHA-256. */
export async function sampleBlocks(
  archive: Archive,
  ref: ExportRef,
  manifest: ExportManifest,
  options: SampleOptions,
): Promise<SampleResult> {
  const findings: Finding[] = [];
  let storedBytes = 0;
  for (const facts of manifest.bundles) {
    const where = { exportId: ref.exportId, partition: ref.path, bundle: facts.name };
    const source = await sourceOrFinding(archive, ref, facts, where, findings, options.signal);
    if (source === undefined) continue;
    for (const block of pickBlocks(facts, options)) {
      throwIfAborted(options.signal);
      storedBytes += await checkBlock(source, facts, block, where, findings);
    }
    await source.close();
  }
  return { findings, files: 0, storedBytes, contentBytes: 0 };
}

function pickBlocks(facts: BundleFacts, { share, random }: SampleOptions): number[] {
  const total = facts.blocks.sha256.length;
  const picker = samplePicker(Math.ceil(total * share), total, random);
  return facts.blocks.sha256.flatMap((_, block) => (picker() ? [block] : []));
}

async function checkBlock(
  source: ByteSource,
  facts: BundleFacts,
  block: number,
  where: FindingPlace,
  findings: Finding[],
): Promise<number> {
  const offset = block * facts.blocks.size;
  const length = Math.max(0, Math.min(facts.blocks.size, source.bytes - offset));
  const hash = createHash('sha256');
  for await (const chunk of source.stream(offset, length)) hash.update(chunk);
  const found = hash.digest('hex');
  const expected = facts.blocks.sha256[block] ?? '';
  if (found !== expected) {
    const place = { ...where, block, storedOffset: offset };
    const message = `${facts.name} block ${block}: its bytes are not those that were packed`;
    findings.push(finding('BLOCK_HASH_WRONG', message, place, { expected, found, repair: REPAIR }));
  }
  return length;
}

/** Some files of the export against their SHA-256; only the frames that hold them are read. */
export async function sampleFiles(
  archive: Archive,
  ref: ExportRef,
  manifest: ExportManifest,
  options: SampleOptions,
): Promise<SampleResult> {
  const sampler = new FileSampler(archive, ref, manifest, options);
  const { files } = manifest.totals;
  const picker = samplePicker(Math.ceil(files * options.share), files, options.random);
  try {
    for await (const entry of archive.entries(ref, manifest, options.signal)) {
      throwIfAborted(options.signal);
      if (entry.type !== 'directory' && picker()) await sampler.check(entry);
    }
  } finally {
    await sampler.close();
  }
  return sampler;
}

interface OpenBundle {
  readonly number: number;
  readonly source: ByteSource | undefined;
  readonly frames: FrameReader | undefined;
}

class FileSampler implements SampleResult {
  readonly findings: Finding[] = [];
  files = 0;
  storedBytes = 0;
  contentBytes = 0;
  readonly #archive: Archive;
  readonly #ref: ExportRef;
  readonly #manifest: ExportManifest;
  readonly #options: SampleOptions;
  #open: OpenBundle = { number: 0, source: undefined, frames: undefined };

  constructor(archive: Archive, ref: ExportRef, manifest: ExportManifest, options: SampleOptions) {
    this.#archive = archive;
    this.#ref = ref;
    this.#manifest = manifest;
    this.#options = options;
  }

  async check(entry: FileEntry): Promise<void> {
    const { frames } = await this.#bundle(entry.bundle);
    if (frames === undefined) return;
    const where = { ...this.#where(entry.bundle), path: entry.path, tarOffset: entry.offset };
    this.files += 1;
    this.storedBytes += entry.stored.length;
    this.contentBytes += entry.bytes;
    try {
      const hash = createHash('sha256');
      for await (const piece of frames.bytes(entry.offset, entry.bytes)) hash.update(piece);
      const found = hash.digest('hex');
      if (found === entry.sha256) return;
      const message = `${showPath(entry.path)}: the file is not the one that was packed`;
      this.findings.push(
        finding('FILE_HASH_WRONG', message, where, { expected: entry.sha256 ?? '', found, repair: REPAIR }),
      );
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.findings.push(finding('FRAME_INVALID', error.message, where, { repair: REPAIR }));
    }
  }

  #where(bundle: number): FindingPlace {
    const { exportId, path: partition } = this.#ref;
    return { exportId, partition, bundle: this.#manifest.bundles[bundle - 1]?.name ?? '' };
  }

  async #bundle(number: number): Promise<OpenBundle> {
    if (this.#open.number === number) return this.#open;
    await this.close();
    const facts = this.#manifest.bundles[number - 1];
    const where = this.#where(number);
    const { signal, concurrency } = this.#options;
    const source = facts && (await sourceOrFinding(this.#archive, this.#ref, facts, where, this.findings, signal));
    let frames: FrameReader | undefined;
    try {
      frames = source && new FrameReader(source, await readSeekTable(source, facts.seekTable), { concurrency });
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.findings.push(finding('SEEK_TABLE_INVALID', error.message, where, { repair: REPAIR }));
    }
    this.#open = { number, source, frames };
    return this.#open;
  }

  async close(): Promise<void> {
    await this.#open.frames?.settle();
    await this.#open.source?.close();
    this.#open = { number: 0, source: undefined, frames: undefined };
  }
}

/** The missing bundle has a finding already, from the look at the manifest. */
async function sourceOrFinding(
  archive: Archive,
  ref: ExportRef,
  facts: BundleFacts,
  where: FindingPlace,
  findings: Finding[],
  signal: AbortSignal,
): Promise<ByteSource | undefined> {
  try {
    const source = await archive.bundleSource(ref, facts.name, signal);
    if (source.bytes === facts.storedBytes) return source;
    const more = { expected: String(facts.storedBytes), found: String(source.bytes), repair: REPAIR };
    findings.push(finding('BUNDLE_SIZE_WRONG', `${facts.name}: its size is not what the manifest says`, where, more));
    await source.close();
    return undefined;
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
    return undefined;
  }
}

function isDamage(error: unknown): error is Error {
  const codes = ['ZSTD_INVALID', 'LIMIT_EXCEEDED', 'SEEK_TABLE_INVALID', 'BUNDLE_INVALID'] as const;
  return codes.some((code) => isLakepackError(error, code));
}
