/**
 * Proves that a bundle is what its sidecar says, frame by frame and without a parser of tar: everything in it can be
 * foretold, so everything is compared. It answers "sound", with what a check would tell of a sound bundle, or nothing:
 * then `check.ts` looks and says what is wrong. It never says "sound" where a check would have a finding.
 */
import type { JobRunner, Lane } from '../base/job-runner.js';
import { LakepackError, tellsDamage, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import type { Slab, SlabPool } from '../base/slabs.js';
import { END_OF_ARCHIVE, entryHeaderBytes } from '../codec/tar.js';
import type { BundleFacts, FileEntry } from '../schema/export-manifest.js';
import { parseEmbeddedManifest } from '../schema/parse-manifest.js';
import { serializeEmbeddedManifest } from '../schema/serialize-manifest.js';
import { bagName, EMBEDDED_EXPORT, PAYLOAD_FOLDER } from './bag.js';
import { BlockHasher } from './block-hasher.js';
import type { ByteSource } from './byte-source.js';
import type { BundleCheck, BundleSidecar } from './check.js';
import type { FrameIndex } from './frame-index.js';
import { decodeFrame, readSeekTable } from './frame-reader.js';
import { DIRECTORY, EXECUTABLE, FILE, type ExpectedFrame, type FrameProof, type proveFrame } from './prove-frame.js';
import { ExpectedFrames } from './prove-plan.js';
import { FrameReads } from './prove-reads.js';
import { TagsProof, type ExpectedTags } from './prove-tags.js';

/** A type and no interface: a table of jobs has an index. */
export type ProveJobs = { readonly proveFrame: typeof proveFrame };

export interface BundleProofOptions {
  readonly sidecar: Omit<BundleSidecar, 'entries'>;
  /** True where the export has no other bundle: then its newest entry is that of the export. */
  readonly isOnly: boolean;
  readonly runner: JobRunner<ProveJobs>;
  /** Of slabs that hold any stored frame; all proofs at once may share them. */
  readonly slabs: SlabPool;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (storedBytes: number, contentBytes: number) => void;
}

const MAX_SMALL_TAG_BYTES = 16 * MIB;

/**
 * Give it all entries of the bundle in order, valid by their schema and by `createEntryRules`, then ask `end`. Always
 * call `close`, which resolves when nothing runs on.
 */
export class BundleProof {
  readonly #options: BundleProofOptions;
  readonly #source: ByteSource;
  readonly #facts: BundleFacts;
  readonly #tags: TagsProof;
  readonly #bag: string;
  readonly #hasher: BlockHasher;
  readonly #reads: FrameReads;
  readonly #underWay = new Set<Promise<void>>();
  readonly #plan: ExpectedFrames;
  #isSound = true;
  #failure: { readonly error: unknown } | undefined;
  #head: Uint8Array | undefined;
  #lane: Lane | undefined;

  private constructor(source: ByteSource, index: FrameIndex, options: BundleProofOptions) {
    const { manifest, number, facts } = options.sidecar;
    this.#options = options;
    this.#source = source;
    this.#facts = facts;
    this.#bag = bagName(manifest.source.path, number);
    this.#tags = new TagsProof(options.sidecar, this.#bag);
    this.#hasher = new BlockHasher(facts.blocks.size);
    this.#reads = new FrameReads(source, index, options.slabs);
    this.#plan = new ExpectedFrames(index);
  }

  /** Undefined where nothing can be proven: the size or the seek table is not what the manifest says. */
  static async open(source: ByteSource, options: BundleProofOptions): Promise<BundleProof | undefined> {
    const { facts } = options.sidecar;
    if (source.bytes !== facts.storedBytes) return undefined;
    const index = await unlessDamaged(readSeekTable(source, facts.seekTable));
    const isExpected =
      index?.storedBytes === facts.seekTable.offset &&
      index.length === facts.frames &&
      index.tarBytes === facts.tarBytes &&
      index.length > 0;
    return index !== undefined && isExpected ? new BundleProof(source, index, options) : undefined;
  }

  /**
   * Takes the next entries; resolves when there is room for more. Throws what reading throws, and INTERRUPTED.
   * @param embedded their lines in a bundle, where they are known already.
   */
  async add(entries: readonly FileEntry[], embedded: readonly (string | undefined)[]): Promise<void> {
    const [first] = entries;
    if (first !== undefined && this.#plan.at === 0) {
      this.#isSound = this.#skipHead(first);
      await this.#sendFull();
    }
    for (const [index, entry] of entries.entries()) {
      if (!this.#isSound) return;
      this.#isSound = this.#tags.add(entry, embedded[index]) && this.#place(entry);
      const full = this.#plan.takeFull();
      if (full !== undefined) await this.#sendFull(full);
    }
  }

  #place(entry: FileEntry): boolean {
    const { bytes, mtime, offset, sha256 = '' } = entry;
    const kind = entry.type === 'directory' ? DIRECTORY : entry.executable === true ? EXECUTABLE : FILE;
    const plan = this.#plan;
    return plan.add({
      name: PAYLOAD_FOLDER + entry.path,
      sha256,
      bytes,
      mtime,
      kind,
      headerBytes: offset - plan.at,
    });
  }

  /** What stands before the first entry is compared at the end: only then is known what it must be. */
  #skipHead(first: FileEntry): boolean {
    const { bytes, mtime, offset, type } = first;
    const path = `${this.#bag}/${PAYLOAD_FOLDER}${first.path}`;
    const executable = first.executable === true;
    return this.#plan.skipHead(offset - entryHeaderBytes({ path, type: type ?? 'file', bytes, mtime, executable }));
  }

  async #sendFull(first = this.#plan.takeFull()): Promise<void> {
    for (let frame = first; frame !== undefined; frame = this.#plan.takeFull()) await this.#send(frame);
  }

  async #send(frame: ExpectedFrame): Promise<void> {
    throwIfAborted(this.#options.signal);
    const slab = await this.#reads.take(frame.place.index);
    if (this.#failure !== undefined) {
      this.#options.slabs.give(slab);
      throw this.#failure.error;
    }
    this.#hasher.update(slab.bytes.subarray(0, frame.place.storedBytes));
    const done = this.#prove(frame, slab);
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done));
  }

  /** Never rejects. */
  async #prove(frame: ExpectedFrame, slab: Slab): Promise<void> {
    const { runner, slabs, onBytes } = this.#options;
    const lane = this.#laneOf(frame);
    try {
      const proof = await runner.run('proveFrame', { frame, memory: slab.memory, bag: this.#bag }, lane);
      this.#takeProof(frame, proof);
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      slabs.give(slab);
    }
    onBytes(frame.place.storedBytes, frame.place.tarBytes);
  }

  #takeProof({ place }: ExpectedFrame, { isSound, head }: FrameProof): void {
    if (!isSound) this.#isSound = false;
    if (place.index === 0) this.#head = head;
  }

  /** Frames that share a file go to one thread. */
  #laneOf({ carried, carries }: ExpectedFrame): Lane {
    const lane = carried === undefined ? {} : (this.#lane ?? {});
    this.#lane = carries === undefined ? undefined : lane;
    return lane;
  }

  /** What a check would tell of the bundle, without findings; undefined where it was not proven. Throws as `add`. */
  async end(): Promise<BundleCheck | undefined> {
    // A bundle without entries is left to a check, too.
    if (!this.#isSound || this.#plan.at === 0) return undefined;
    const mtime = await this.#tagTime();
    const tags = mtime === undefined ? undefined : this.#tags.end(mtime);
    if (mtime === undefined || tags === undefined || !isPlain(tags)) return undefined;
    for (const tag of tags.tail) {
      const { name: path, bytes } = tag;
      const headerBytes = entryHeaderBytes({
        path: `${this.#bag}/${path}`,
        type: 'file',
        bytes,
        mtime,
        executable: false,
      });
      if (!this.#plan.add({ ...tag, mtime, kind: FILE, headerBytes })) return undefined;
      await this.#sendFull();
    }
    if (!this.#plan.finish(END_OF_ARCHIVE.length)) return undefined;
    await this.#sendFull();
    await this.#settle();
    const isEqual = this.#headIsEqual(tags) && (await this.#storedIsEqual());
    return isEqual ? this.#result(tags) : undefined;
  }

  /**
   * The time of the tag files, that of the newest entry of the export. In an export of several bundles it is taken from the
   * first header, when its frame has come: all others must have the same.
   */
  async #tagTime(): Promise<number | undefined> {
    if (this.#options.isOnly) return this.#tags.newestMtime;
    await this.#settle();
    const head = this.#head ?? (await this.#firstContent());
    if (head === undefined) return undefined;
    const mtime = Number.parseInt(Buffer.from(head).toString('latin1', 136, 147), 8);
    return Number.isSafeInteger(mtime) ? mtime : undefined;
  }

  /** Of a bundle of one frame, which has to wait for the tag files that are in it. */
  async #firstContent(): Promise<Buffer | undefined> {
    const place = this.#reads.frames[0];
    if (place === undefined) return undefined;
    const stored = await this.#source.read(place.storedOffset, place.storedBytes);
    return await unlessDamaged(decodeFrame(stored, place, this.#source.name));
  }

  /** Also whether every frame was sound. */
  #headIsEqual({ head }: ExpectedTags): boolean {
    return this.#isSound && this.#head !== undefined && head.compare(this.#head) === 0;
  }

  async #storedIsEqual(): Promise<boolean> {
    const { offset, bytes } = this.#facts.seekTable;
    this.#hasher.update(await this.#source.read(offset, this.#source.bytes - offset));
    this.#options.onBytes(bytes, 0);
    const { sha256, blocks } = this.#hasher.finish();
    const expected = this.#facts.blocks.sha256;
    return (
      sha256 === this.#facts.sha256 &&
      blocks.length === expected.length &&
      blocks.every((block, index) => block === expected[index])
    );
  }

  #result({ embedded }: ExpectedTags): BundleCheck {
    const { storedBytes, sha256, tarBytes: contentBytes } = this.#facts;
    return { findings: [], storedBytes, contentBytes, files: this.#tags.files, sha256, embedded };
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async close(): Promise<void> {
    await this.#reads.close();
    await Promise.all(this.#underWay);
  }
}

/** Where a check is stricter than a comparison of hashes: with what the bundle says of itself, and with its size. */
function isPlain({ tail, embedded }: ExpectedTags): boolean {
  const bytes = serializeEmbeddedManifest(embedded);
  const small = tail.filter(({ name }) => !name.startsWith('manifest') && !name.startsWith('lakepack/'));
  if (bytes.length > MAX_SMALL_TAG_BYTES || small.some((tag) => tag.bytes > MAX_SMALL_TAG_BYTES)) return false;
  try {
    parseEmbeddedManifest(bytes, EMBEDDED_EXPORT);
    return true;
  } catch (error) {
    if (!(error instanceof LakepackError)) throw error;
    return false;
  }
}

async function unlessDamaged<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!tellsDamage(error)) throw error;
    return undefined;
  }
}
