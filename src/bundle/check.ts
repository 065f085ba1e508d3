/**
 * Checks one bundle and returns all findings, not the first (format, section 6). It knows four layers: stored bytes
 * and frames, tar, payload, bag. With a sidecar it compares the bundle with it; without, the bundle with itself.
 */
import { finding, type Finding, type FindingPlace } from '../base/findings.js';
import { BLOCK_BYTES } from '../base/limits.js';
import type { BundleFacts, EmbeddedManifest, ExportManifest, FileEntry } from '../schema/export-manifest.js';
import { bagName, PAYLOAD_FOLDER } from './bag.js';
import type { StoredHashes } from './block-hasher.js';
import type { ByteSource } from './byte-source.js';
import { BagAudit } from './check-bag.js';
import { passFrames, type FramePassEnd, type PassedFrame } from './check-frames.js';
import { PayloadAudit, type PayloadSink } from './check-payload.js';
import { TarAudit, type EntryReceiver } from './check-tar.js';
import type { TarEntry } from '../codec/tar-reader.js';

export interface BundleSidecar {
  readonly manifest: Pick<ExportManifest, 'formatVersion' | 'tool' | 'source' | 'provenance'>;
  readonly facts: BundleFacts;
  /** Number of the bundle in its export, from 1. */
  readonly number: number;
  /** The entries of this bundle, in order. Read only at depth `contents`. */
  readonly entries: AsyncIterable<FileEntry>;
}

export interface CheckBundleOptions {
  /** `stored`: hashes and frames. `contents`: tar, files and bag too. */
  readonly depth: 'stored' | 'contents';
  readonly sidecar: BundleSidecar | undefined;
  readonly where: FindingPlace;
  readonly concurrency: number;
  readonly scratchDir: string;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (storedBytes: number, contentBytes: number) => void;
  /** Takes the payload as it is read. It must not be used before the result has no finding. */
  readonly sink?: PayloadSink;
}

export interface BundleCheck {
  readonly findings: readonly Finding[];
  readonly storedBytes: number;
  readonly contentBytes: number;
  readonly files: number;
  /** SHA-256 of the stored bytes. */
  readonly sha256: string;
  /** What the bundle says of itself; undefined at depth `stored`, or when it is damaged. */
  readonly embedded: EmbeddedManifest | undefined;
}

const REPAIR = 'take this bundle from another copy of the archive';

/** Throws only when it could not look: NOT_FOUND, REMOTE_UNAVAILABLE, INTERRUPTED … */
export async function checkBundle(source: ByteSource, options: CheckBundleOptions): Promise<BundleCheck> {
  const findings: Finding[] = [];
  const report = (one: Finding): void => void findings.push(one);
  const audit = options.depth === 'contents' ? new ContentsAudit(source, options, report) : undefined;
  const sizes = { stored: 0, content: 0 };
  try {
    const end = await run(source, options, report, async (frame) => {
      const content = frame.content?.length ?? 0;
      sizes.stored += frame.place.storedBytes;
      sizes.content += content;
      options.onBytes(frame.place.storedBytes, content);
      await audit?.push(frame);
    });
    // The seek table, which is no frame of content.
    options.onBytes(end.hashes.bytes - sizes.stored, 0);
    compareStored(source, end, options, report);
    await audit?.end();
    return {
      findings,
      storedBytes: end.hashes.bytes,
      contentBytes: sizes.content,
      files: audit?.files ?? 0,
      sha256: end.hashes.sha256,
      embedded: audit?.embedded,
    };
  } finally {
    audit?.dispose();
  }
}

async function run(
  source: ByteSource,
  options: CheckBundleOptions,
  report: (one: Finding) => void,
  take: (frame: PassedFrame) => Promise<void>,
): Promise<FramePassEnd> {
  const frames = passFrames(source, {
    where: options.where,
    report,
    blockBytes: options.sidecar?.facts.blocks.size ?? BLOCK_BYTES,
    decode: options.depth === 'contents',
    concurrency: options.concurrency,
    signal: options.signal,
  });
  for (let step = await frames.next(); ; step = await frames.next()) {
    if (step.done === true) return step.value;
    await take(step.value);
  }
}

/** The stored bytes against the facts of the sidecar. */
function compareStored(
  source: ByteSource,
  end: FramePassEnd,
  options: CheckBundleOptions,
  report: (one: Finding) => void,
): void {
  const facts = options.sidecar?.facts;
  if (facts === undefined) return;
  const differ = (
    code: 'BUNDLE_SIZE_WRONG' | 'SEEK_TABLE_INVALID',
    what: string,
    expected: number,
    found: number,
  ): void => {
    if (expected === found) return;
    const more = { expected: String(expected), found: String(found), repair: REPAIR };
    report(finding(code, `${source.name}: ${what}`, options.where, more));
  };
  differ('BUNDLE_SIZE_WRONG', 'its size is not what the manifest says', facts.storedBytes, source.bytes);
  if (end.index !== undefined) {
    differ(
      'SEEK_TABLE_INVALID',
      'the seek table is not where the manifest says',
      facts.seekTable.offset,
      end.index.storedBytes,
    );
    differ(
      'SEEK_TABLE_INVALID',
      'it has another number of frames than the manifest says',
      facts.frames,
      end.index.length,
    );
    differ('SEEK_TABLE_INVALID', 'its tar is not as long as the manifest says', facts.tarBytes, end.index.tarBytes);
  }
  compareHashes(source, facts, end.hashes, options.where, report);
}

function compareHashes(
  source: ByteSource,
  facts: BundleFacts,
  hashes: StoredHashes,
  where: FindingPlace,
  report: (one: Finding) => void,
): void {
  if (facts.sha256 !== hashes.sha256) {
    const more = { expected: facts.sha256, found: hashes.sha256, repair: REPAIR };
    report(finding('BUNDLE_HASH_WRONG', `${source.name}: its bytes are not those that were packed`, where, more));
  }
  const count = Math.max(facts.blocks.sha256.length, hashes.blocks.length);
  for (let block = 0; block < count; block += 1) {
    const expected = facts.blocks.sha256[block];
    const found = hashes.blocks[block];
    if (expected === found) continue;
    const place = { ...where, block, storedOffset: block * facts.blocks.size };
    const more = { expected: expected ?? 'no such block', found: found ?? 'no such block', repair: REPAIR };
    report(
      finding(
        'BLOCK_HASH_WRONG',
        `${source.name} block ${block}: its bytes are not those that were packed`,
        place,
        more,
      ),
    );
  }
}

/** Layers two to four, joined. */
class ContentsAudit {
  readonly #tar: TarAudit;
  readonly #payload: PayloadAudit;
  readonly #bag: BagAudit;
  readonly #report: (one: Finding) => void;
  readonly #where: FindingPlace;
  #folder: string | undefined;

  constructor(source: ByteSource, options: CheckBundleOptions, report: (one: Finding) => void) {
    const { where, sidecar, scratchDir, sink } = options;
    this.#report = report;
    this.#where = where;
    this.#folder = sidecar === undefined ? undefined : bagName(sidecar.manifest.source.path, sidecar.number);
    this.#payload = new PayloadAudit({ where, report, expected: sidecar?.entries, sink, scratchDir });
    this.#bag = new BagAudit({
      where,
      report,
      payload: this.#payload,
      sidecar: sidecar?.manifest,
      number: sidecar?.number,
    });
    const open = (entry: TarEntry): Promise<EntryReceiver> | EntryReceiver => this.#open(entry);
    this.#tar = new TarAudit({ subject: source.name, bag: this.#folder, where, report, open });
  }

  get files(): number {
    return this.#payload.files;
  }

  get embedded(): EmbeddedManifest | undefined {
    return this.#bag.embedded;
  }

  push(frame: PassedFrame): Promise<void> {
    return this.#tar.push(frame);
  }

  #open(entry: TarEntry): Promise<EntryReceiver> | EntryReceiver {
    const slash = entry.name.indexOf('/');
    const folder = entry.name.slice(0, Math.max(0, slash));
    this.#folder ??= folder;
    const name = entry.name.slice(slash + 1);
    if (folder !== this.#folder || folder === '') {
      const where = { ...this.#where, path: entry.name, tarOffset: entry.headerOffset };
      const more = { expected: `${this.#folder}/…`, found: entry.name, repair: REPAIR };
      this.#report(finding('BAG_INVALID', 'an entry stands outside the folder of the bag', where, more));
      return { data: () => undefined, end: () => undefined };
    }
    if (!name.startsWith(PAYLOAD_FOLDER)) return this.#bag.open(name, entry);
    const path = name.slice(PAYLOAD_FOLDER.length);
    if (this.#bag.payloadIsOver) {
      const where = { ...this.#where, path, tarOffset: entry.headerOffset };
      this.#report(finding('BAG_INVALID', 'a payload entry stands behind the tag files', where, { repair: REPAIR }));
    }
    return this.#payload.open(entry.type === 'directory' ? path.replace(/\/$/, '') : path, entry);
  }

  /** After damage the findings of the lower layers say it all: the bag cannot be complete. */
  async end(): Promise<void> {
    await this.#tar.end();
    await this.#payload.end();
    if (!this.#tar.damaged) this.#bag.end(this.#folder ?? '');
  }

  dispose(): void {
    this.#payload.dispose();
  }
}
