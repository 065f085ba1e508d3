/**
 * The third layer of a check: each payload file of a bundle against the entry of the sidecar manifest. Both are in the
 * same order, so they are compared as two streams; what was seen is spooled for the tag files that come after.
 */
import { createHash, type Hash } from 'node:crypto';
import { finding, type Finding, type FindingCode, type FindingPlace } from '../base/findings.js';
import { LineSpool } from '../base/line-spool.js';
import { comparePathBytes, lakePathFault, showPath } from '../base/paths.js';
import type { TarEntry } from '../codec/tar-reader.js';
import type { EmbeddedFileEntry, FileEntry } from '../schema/export-manifest.js';
import { serializeFileEntry } from '../schema/serialize-manifest.js';
import { needsSha256sumEscape } from './bag.js';
import type { EntryReceiver } from './check-tar.js';

/** A payload entry as the tar has it. */
export interface ObservedEntry {
  readonly path: string;
  readonly type: 'file' | 'directory';
  readonly bytes: number;
  readonly mtime: number;
  readonly executable: boolean;
  readonly offset: number;
}

/** Takes the payload while it is checked: what unpacks a bundle that has no sidecar. */
export interface PayloadSink {
  /** Undefined for an entry it does not want. */
  open(entry: ObservedEntry): Promise<EntryReceiver | undefined>;
}

export interface PayloadAuditOptions {
  readonly where: FindingPlace;
  readonly report: (finding: Finding) => void;
  /** The sidecar's entries of this bundle, in order; undefined for a bundle by itself. */
  readonly expected: AsyncIterable<FileEntry> | undefined;
  readonly sink: PayloadSink | undefined;
  readonly scratchDir: string;
}

const REPAIR = 'restore this file from another export or copy; lakepack verify names what else is damaged';

export class PayloadAudit {
  readonly #options: PayloadAuditOptions;
  readonly #expected: AsyncIterator<FileEntry> | undefined;
  #next: FileEntry | undefined;
  #started = false;
  #last: ObservedEntry | undefined;
  /** What the tar holds, as embedded entries without `content`; an incomplete file has no `sha256`. */
  readonly observed: LineSpool;
  /** What the sidecar says, as embedded entries: the lines `lakepack/files.jsonl` must have. */
  readonly sidecarLines: LineSpool | undefined;
  files = 0;
  directories = 0;
  bytes = 0;
  /** True once a path has come that `manifest-sha256.txt` writes otherwise than `sha256sum` (format 4.5). */
  hasOddNames = false;
  #incomplete = false;
  #contradicted = false;

  constructor(options: PayloadAuditOptions) {
    this.#options = options;
    this.#expected = options.expected?.[Symbol.asyncIterator]();
    this.observed = new LineSpool({ scratchDir: options.scratchDir });
    if (options.expected !== undefined) this.sidecarLines = new LineSpool({ scratchDir: options.scratchDir });
  }

  /** True once an entry of the payload has come. */
  get hasBegun(): boolean {
    return this.#last !== undefined;
  }

  /** True when a file could not be read to its end. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /** True when the sidecar was found to say something else: the tag files then do so too, and need not be heard. */
  get contradicted(): boolean {
    return this.#contradicted;
  }

  /** @param path lake path: the entry's name less the bag and `data/`, and less a slash at its end. */
  async open(path: string, tarEntry: TarEntry): Promise<EntryReceiver> {
    const entry = observe(path, tarEntry);
    const fault = this.#entryFault(entry, tarEntry);
    if (fault !== undefined) this.#report('BAG_INVALID', entry, fault);
    if (fault !== undefined && lakePathFault(path) !== undefined) return IGNORE;
    this.#last = entry;
    this.hasOddNames ||= needsSha256sumEscape(path);
    const expected = await this.#match(entry);
    const sink = fault === undefined ? await this.#options.sink?.open(entry) : undefined;
    return this.#receive(entry, expected, sink);
  }

  #entryFault(entry: ObservedEntry, { type, mode }: TarEntry): string | undefined {
    const pathFault = lakePathFault(entry.path);
    if (pathFault !== undefined) return `its path ${pathFault}`;
    if (type !== 'file' && type !== 'directory') return `it is a ${type}, not a file or directory`;
    if (mode !== 0o644 && mode !== 0o755) return `its mode is ${mode.toString(8)}, not 644 or 755`;
    if (this.#last === undefined) return undefined;
    const order = comparePathBytes(this.#last.path, entry.path);
    if (order === 0) return 'it is there twice';
    return order > 0 ? `it stands after ${showPath(this.#last.path)}, out of order` : undefined;
  }

  #receive(entry: ObservedEntry, expected: FileEntry | undefined, sink: EntryReceiver | undefined): EntryReceiver {
    const hash = createHash('sha256');
    return {
      data: async (bytes) => {
        hash.update(bytes);
        await sink?.data(bytes);
      },
      end: async (complete) => {
        const digest = this.#finish(entry, hash, complete, expected);
        await sink?.end(complete && (expected?.sha256 === undefined || expected.sha256 === digest));
      },
    };
  }

  /** Records an entry whose body has ended; returns its digest. */
  #finish(entry: ObservedEntry, hash: Hash, complete: boolean, expected: FileEntry | undefined): string {
    const digest = hash.digest('hex');
    const { path, type, bytes, mtime, executable } = entry;
    const facts = { path, bytes, mtime, ...(executable && { executable: true as const }) };
    if (type === 'directory') {
      this.directories += 1;
      this.observed.append(serializeFileEntry({ ...facts, type }));
      return digest;
    }
    this.files += 1;
    this.bytes += bytes;
    if (!complete) this.#incomplete = true;
    this.observed.append(serializeFileEntry({ ...facts, ...(complete && { sha256: digest }) }));
    if (!complete)
      this.#report('FILE_HASH_WRONG', entry, 'the file cannot be read to its end', expected?.sha256, 'damaged');
    else if (expected?.sha256 !== undefined && expected.sha256 !== digest) {
      this.#report('FILE_HASH_WRONG', entry, 'the file is not the one that was packed', expected.sha256, digest);
    }
    return digest;
  }

  /** Steps the sidecar up to this entry; reports what it has and the tar has not, and the other way round. */
  async #match(entry: ObservedEntry): Promise<FileEntry | undefined> {
    if (this.#expected === undefined) return undefined;
    if (!this.#started) await this.#step();
    while (this.#next !== undefined && comparePathBytes(this.#next.path, entry.path) < 0) await this.#missing();
    if (this.#next === undefined || comparePathBytes(this.#next.path, entry.path) > 0) {
      this.#report('FILE_UNEXPECTED', entry, 'the manifest does not list this file');
      return undefined;
    }
    const expected = this.#next;
    this.#compareFacts(entry, expected);
    await this.#step();
    return expected;
  }

  async #missing(): Promise<void> {
    if (this.#next !== undefined)
      this.#report('FILE_MISSING', this.#next, 'the manifest lists it, the bundle does not hold it');
    await this.#step();
  }

  async #step(): Promise<void> {
    this.#started = true;
    const next = await this.#expected?.next();
    this.#next = next?.done === false ? next.value : undefined;
    if (this.#next !== undefined) this.sidecarLines?.append(serializeFileEntry(embeddedEntry(this.#next)));
  }

  #compareFacts(entry: ObservedEntry, expected: FileEntry): void {
    const facts: [string, unknown, unknown][] = [
      ['bytes', expected.bytes, entry.bytes],
      ['mtime', expected.mtime, entry.mtime],
      ['executable', expected.executable ?? false, entry.executable],
      ['offset in the tar', expected.offset, entry.offset],
    ];
    for (const [name, wanted, found] of facts) {
      if (wanted !== found) {
        this.#report(
          'FILE_FACTS_WRONG',
          entry,
          `its ${name} is not what the manifest says`,
          String(wanted),
          String(found),
        );
      }
    }
  }

  /** Says that the bundle has been read to its end. */
  async end(): Promise<void> {
    if (this.#expected === undefined) return;
    if (!this.#started) await this.#step();
    while (this.#next !== undefined) await this.#missing();
  }

  dispose(): void {
    this.observed.dispose();
    this.sidecarLines?.dispose();
  }

  #report(
    code: FindingCode,
    entry: { path: string; offset: number },
    what: string,
    expected?: string,
    found?: string,
  ): void {
    if (code !== 'BAG_INVALID') this.#contradicted = true;
    const where = { ...this.#options.where, path: entry.path, tarOffset: entry.offset };
    const more = { repair: REPAIR, ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) };
    this.#options.report(finding(code, `${showPath(entry.path)}: ${what}`, where, more));
  }
}

/** What a bundle itself says of an entry of the sidecar (format 4.6). */
export function embeddedEntry(entry: FileEntry): EmbeddedFileEntry {
  const { bundle: _bundle, offset: _offset, stored: _stored, ...embedded } = entry;
  return embedded;
}

function observe(path: string, { type, bytes, mtime, mode, dataOffset }: TarEntry): ObservedEntry {
  const kind = type === 'directory' ? 'directory' : 'file';
  return { path, type: kind, bytes, mtime, executable: kind === 'file' && mode === 0o755, offset: dataOffset };
}

const IGNORE: EntryReceiver = { data: () => undefined, end: () => undefined };
