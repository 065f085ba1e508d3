/**
 * The fourth layer of a check: the tag files of the bag (RFC 8493 and format 4.4 to 4.6) against what the tar was seen
 * to hold, and against the sidecar. They stand after the payload, so everything they speak of is known when they come.
 */
import { sha256Of } from '../base/sha256.js';
import { createHash } from 'node:crypto';
import { isLakepackError } from '../base/errors.js';
import { finding, type Finding, type FindingCode, type FindingPlace } from '../base/findings.js';
import { MAX_LINE_BYTES, MIB } from '../base/limits.js';
import { showPath } from '../base/paths.js';
import type { TarEntry } from '../codec/tar-reader.js';
import type { EmbeddedFileEntry, EmbeddedManifest, ExportManifest } from '../schema/export-manifest.js';
import { parseEmbeddedFileEntry, parseEmbeddedManifest } from '../schema/parse-manifest.js';
import { serializeEmbeddedManifest, serializeFileEntry } from '../schema/serialize-manifest.js';
import * as bag from './bag.js';
import type { PayloadAudit } from './check-payload.js';
import type { EntryReceiver } from './check-tar.js';

const MAX_TAG_BYTES = 16 * MIB;
const MAX_LINE_FINDINGS = 20;
/** The order tag files have in a bundle (format 4.1). */
const TAG_ORDER = [
  bag.BAGIT_TXT,
  bag.RESTORE_MD,
  bag.BAG_INFO,
  bag.PAYLOAD_MANIFEST,
  bag.EMBEDDED_EXPORT,
  bag.EMBEDDED_FILES,
  bag.EMBEDDED_SHA256SUMS,
  bag.TAG_MANIFEST,
];

export interface BagAuditOptions {
  readonly where: FindingPlace;
  readonly report: (finding: Finding) => void;
  readonly payload: PayloadAudit;
  readonly sidecar: Pick<ExportManifest, 'formatVersion' | 'tool' | 'source' | 'provenance'> | undefined;
  /** Number of the bundle by its sidecar; undefined for a bundle by itself. */
  readonly number: number | undefined;
}

type LineCheck = (line: string) => Promise<string | undefined>;
interface LinesCheck {
  readonly line: LineCheck;
  readonly end: () => Promise<string | undefined>;
}

export class BagAudit {
  readonly #options: BagAuditOptions;
  readonly #tagLines: string[] = [];
  readonly #seen: string[] = [];
  #embedded: EmbeddedManifest | undefined;
  #info: string | undefined;

  constructor(options: BagAuditOptions) {
    this.#options = options;
  }

  /** What the bundle says of itself, once it has been read. */
  get embedded(): EmbeddedManifest | undefined {
    return this.#embedded;
  }

  /** True once a tag file has come that stands behind the payload (format 4.1). */
  get payloadIsOver(): boolean {
    return this.#seen.some((name) => !isBeforePayload(name));
  }

  open(name: string, entry: TarEntry): EntryReceiver {
    const rank = TAG_ORDER.indexOf(name);
    const before = TAG_ORDER.indexOf(this.#seen.at(-1) ?? '');
    if (rank < 0 || entry.type !== 'file') this.#report('BAG_INVALID', name, 'not a file of this bag format');
    else if (rank <= before || (this.#options.payload.hasBegun && isBeforePayload(name))) {
      this.#report('BAG_INVALID', name, 'twice, or not in its place');
    }
    this.#seen.push(name);
    if (name === bag.PAYLOAD_MANIFEST) return this.#lines(name, this.#checksumLines(bag.manifestLine));
    if (name === bag.EMBEDDED_SHA256SUMS) return this.#lines(name, this.#checksumLines(bag.sha256sumLine));
    if (name === bag.EMBEDDED_FILES) return this.#lines(name, this.#entryLines());
    return this.#whole(name);
  }

  /** A tag file whose lines are compared as they come. */
  #lines(name: string, check: LinesCheck): EntryReceiver {
    const hash = createHash('sha256');
    // A byte order mark is a difference: it stays.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let rest = '';
    let faults = 0;
    const tell = (fault: string | undefined): void => {
      const { incomplete, contradicted } = this.#options.payload;
      if (fault === undefined || incomplete || contradicted) return;
      faults += 1;
      if (faults <= MAX_LINE_FINDINGS) this.#report('BAG_INVALID', name, fault);
    };
    return {
      data: async (bytes) => {
        hash.update(bytes);
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > MAX_LINE_BYTES) rest = '';
        for (const line of lines) tell(await check.line(line));
      },
      end: async (complete) => {
        if (!complete) return;
        if (rest !== '') tell('its last line has no end');
        tell(await check.end());
        this.#tagLines.push(bag.manifestLine(hash.digest('hex'), name));
      },
    };
  }

  /** The lines a checksum file must have, from what the tar was seen to hold. */
  #checksumLines(toLine: (sha256: string, path: string) => string): LinesCheck {
    const observed = this.#options.payload.observed[Symbol.asyncIterator]();
    const next = async (): Promise<string | undefined> => {
      for (let one = await observed.next(); one.done !== true; one = await observed.next()) {
        const entry = JSON.parse(one.value) as EmbeddedFileEntry;
        if (entry.type !== 'directory') return toLine(entry.sha256 ?? 'unreadable', bag.PAYLOAD_FOLDER + entry.path);
      }
      return undefined;
    };
    return compareLines(next);
  }

  /** The lines of `lakepack/files.jsonl`: those of the sidecar, or else what the tar was seen to hold. */
  #entryLines(): LinesCheck {
    const { sidecarLines, observed } = this.#options.payload;
    const lines = (sidecarLines ?? observed)[Symbol.asyncIterator]();
    const next = async (): Promise<string | undefined> => {
      const one = await lines.next();
      return one.done === true ? undefined : one.value;
    };
    if (sidecarLines !== undefined) return compareLines(next);
    return compareLines(next, (line) =>
      serializeFileEntry(withoutContent(parseEmbeddedFileEntry(line, bag.EMBEDDED_FILES))),
    );
  }

  /** A small tag file, compared when it has been read. */
  #whole(name: string): EntryReceiver {
    const chunks: Buffer[] = [];
    let bytes = 0;
    return {
      data: (chunk) => {
        bytes += chunk.length;
        if (bytes <= MAX_TAG_BYTES) chunks.push(chunk);
      },
      end: (complete) => {
        if (!complete) return;
        if (bytes > MAX_TAG_BYTES) this.#report('BAG_INVALID', name, `larger than ${MAX_TAG_BYTES} bytes`);
        else this.#take(name, Buffer.concat(chunks));
      },
    };
  }

  #take(name: string, content: Buffer): void {
    if (name === bag.TAG_MANIFEST) {
      this.#takeTagManifest(content.toString());
      return;
    }
    this.#tagLines.push(bag.manifestLine(sha256Of(content), name));
    if (name === bag.BAGIT_TXT && content.toString() !== bag.BAGIT_TXT_CONTENT) {
      this.#report('BAG_INVALID', name, 'not the declaration of BagIt 1.0 in UTF-8');
    }
    if (name === bag.BAG_INFO) this.#info = content.toString();
    if (name === bag.EMBEDDED_EXPORT) this.#takeEmbedded(content);
  }

  #takeTagManifest(text: string): void {
    const expected = this.#tagLines.map((line) => `${line}\n`).join('');
    if (text !== expected && !this.#options.payload.incomplete) {
      this.#report('BAG_INVALID', bag.TAG_MANIFEST, 'not the checksums of the tag files');
    }
  }

  #takeEmbedded(content: Buffer): void {
    try {
      this.#embedded = parseEmbeddedManifest(content, bag.EMBEDDED_EXPORT);
    } catch (error) {
      if (!isLakepackError(error)) throw error;
      this.#report('EMBEDDED_MANIFEST_WRONG', bag.EMBEDDED_EXPORT, error.message);
    }
  }

  /** Says that the bundle has been read to its end. @param bagFolder name of the folder all entries stand in. */
  end(bagFolder: string): void {
    const { payload } = this.#options;
    if (payload.incomplete) return;
    for (const name of TAG_ORDER) {
      const isWanted = name !== bag.EMBEDDED_SHA256SUMS || payload.hasOddNames;
      const isThere = this.#seen.includes(name);
      if (isWanted && !isThere) this.#report('BAG_INVALID', name, 'missing');
      if (!isWanted && isThere) this.#report('BAG_INVALID', name, 'there without need: no name needs it');
    }
    this.#compareInfo();
    this.#compareEmbedded(bagFolder);
  }

  #compareInfo(): void {
    if (this.#info === undefined) return;
    const { payload } = this.#options;
    const oxum = /^Payload-Oxum: (.*)$/m.exec(this.#info)?.[1];
    const expected = `${payload.bytes}.${payload.files}`;
    if (oxum !== expected)
      this.#report('BAG_INVALID', bag.BAG_INFO, 'its Payload-Oxum is not that of the payload', expected, oxum);
  }

  #compareEmbedded(bagFolder: string): void {
    const embedded = this.#embedded;
    if (embedded === undefined) return;
    const { sidecar, number, payload } = this.#options;
    const name = bag.bagName(embedded.source.path, embedded.bundle);
    if (bagFolder !== name) this.#report('BAG_INVALID', bag.EMBEDDED_EXPORT, 'it names another bag', bagFolder, name);
    const { files, directories, bytes } = embedded.totals;
    if (files !== payload.files || directories !== payload.directories || bytes !== payload.bytes) {
      this.#report('EMBEDDED_MANIFEST_WRONG', bag.EMBEDDED_EXPORT, 'its totals are not those of the payload');
    }
    if (sidecar === undefined || number === undefined) return;
    const expected = serializeEmbeddedManifest({ ...embedded, ...sidecarHead(sidecar), bundle: number });
    if (expected.equals(serializeEmbeddedManifest(embedded))) return;
    this.#report('EMBEDDED_MANIFEST_WRONG', bag.EMBEDDED_EXPORT, 'it does not say what the manifest says');
  }

  #report(code: FindingCode, name: string, what: string, expected?: string, found?: string): void {
    const more = {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      repair: 'take this bundle from another copy of the archive',
    };
    this.#options.report(finding(code, `${showPath(name)}: ${what}`, { ...this.#options.where, path: name }, more));
  }
}

/** format 4.1: these two open a bundle, all others close it. */
function isBeforePayload(name: string): boolean {
  return name === bag.BAGIT_TXT || name === bag.RESTORE_MD;
}

/** What of a sidecar a bundle repeats (format 4.6). */
export function sidecarHead(
  sidecar: NonNullable<BagAuditOptions['sidecar']>,
): Pick<EmbeddedManifest, 'formatVersion' | 'tool' | 'source' | 'provenance'> {
  const { scanDigest: _scanDigest, ...source } = sidecar.source;
  const { version: _version, ...tool } = sidecar.tool;
  return { formatVersion: sidecar.formatVersion, tool, source, provenance: sidecar.provenance };
}

function withoutContent(entry: EmbeddedFileEntry): EmbeddedFileEntry {
  const { content: _content, ...rest } = entry;
  return rest;
}

function compareLines(
  next: () => Promise<string | undefined>,
  normalize: (line: string) => string = (line) => line,
): LinesCheck {
  let number = 0;
  return {
    line: async (line) => {
      number += 1;
      const expected = await next();
      if (expected === undefined) return `line ${number} is about no file of the payload`;
      const found = safely(() => normalize(line));
      if (found === expected) return undefined;
      return `line ${number} is not what the payload says: expected ${showLine(expected)}, got ${showLine(line)}`;
    },
    end: async () =>
      (await next()) === undefined ? undefined : `it ends after line ${number}, before the payload does`,
  };
}

/** A line that cannot be parsed is a line that differs. */
function safely(make: () => string): string | undefined {
  try {
    return make();
  } catch (error) {
    if (isLakepackError(error)) return undefined;
    throw error;
  }
}

const SHOWN_LINE = 200;

/** A line of a tag file in a message: bounded, and harmless on a terminal. */
function showLine(line: string): string {
  return showPath(line.length > SHOWN_LINE ? `${line.slice(0, SHOWN_LINE)}…` : line);
}
