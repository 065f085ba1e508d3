/**
 * The tag files that a bundle must have when its sidecar is true (format 4.1, 4.4 to 4.6): what `write.ts` wrote, made
 * again from the entries as they pass. Of the long ones only length and SHA-256 are kept.
 */
import { sha256Of } from '../base/sha256.js';
import { MAX_LINE_BYTES } from '../base/limits.js';
import { encodeEntryHeader, paddingBytes } from '../codec/tar.js';
import { createContentDigest, type ContentDigest } from '../schema/content-digest.js';
import type { EmbeddedManifest, FileEntry } from '../schema/export-manifest.js';
import { serializeEmbeddedManifest, serializeFileEntry } from '../schema/serialize-manifest.js';
import * as bag from './bag.js';
import type { BundleSidecar } from './check.js';
import { sidecarHead } from './check-bag.js';
import { embeddedEntry } from './check-payload.js';
import { restoreText } from './restore-text.js';

/** A tag file as the tar must have it. */
export interface ExpectedTag {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Tag files less their times. */
export interface ExpectedTags {
  /** Headers, contents and padding of those before the payload. */
  readonly head: Buffer;
  readonly tail: readonly ExpectedTag[];
  readonly embedded: EmbeddedManifest;
}

const BATCH_CHARS = 32 * 1024;

/** Text of which nothing is kept but its length and its digest. */
class TextDigest {
  readonly #digest: ContentDigest;
  #bytes: number;
  #pending = '';

  constructor(digest = createContentDigest(), bytes = 0) {
    this.#digest = digest;
    this.#bytes = bytes;
  }

  add(line: string): void {
    this.#pending += `${line}\n`;
    if (this.#pending.length >= BATCH_CHARS) this.#flush();
  }

  #flush(): void {
    this.#bytes += Buffer.byteLength(this.#pending);
    this.#digest.addLines(this.#pending);
    this.#pending = '';
  }

  copy(): TextDigest {
    this.#flush();
    return new TextDigest(this.#digest.copy(), this.#bytes);
  }

  /** Asked once, at the end. */
  tag(name: string): ExpectedTag {
    this.#flush();
    return { name, bytes: this.#bytes, sha256: this.#digest.hex() };
  }
}

export class TagsProof {
  readonly #sidecar: Pick<BundleSidecar, 'manifest' | 'number'>;
  readonly #bag: string;
  readonly #manifest = new TextDigest();
  readonly #entries = new TextDigest();
  /** Only from the first line on that is not the same in both checksum files. */
  #sums: TextDigest | undefined;
  readonly #totals = { files: 0, directories: 0, bytes: 0, rows: undefined as number | undefined };
  #hasOddNames = false;
  #newestMtime = 0;

  /** @param folder of the bag. */
  constructor(sidecar: Pick<BundleSidecar, 'manifest' | 'number'>, folder: string) {
    this.#sidecar = sidecar;
    this.#bag = folder;
  }

  /** Whole seconds, from 0: the time of the tag files, where these are all entries of their export. */
  get newestMtime(): number {
    return this.#newestMtime;
  }

  get files(): number {
    return this.#totals.files;
  }

  /**
   * Takes the next entry. False where the tag files cannot be foretold, or where check.ts is stricter.
   * @param line of the entry in the bundle, where it is known.
   */
  add(entry: FileEntry, line = serializeFileEntry(embeddedEntry(entry))): boolean {
    const { sha256, mtime } = entry;
    this.#entries.add(line);
    if (mtime > this.#newestMtime) this.#newestMtime = mtime;
    if (line.length > MAX_LINE_BYTES) return false;
    if (entry.type === 'directory') {
      this.#totals.directories += 1;
      this.#hasOddNames ||= bag.needsSha256sumEscape(entry.path);
      // Its header says nothing of these, so they would pass unseen.
      return entry.bytes === 0 && sha256 === undefined && entry.executable === undefined;
    }
    if (sha256 === undefined) return false;
    this.#addFile(entry, sha256);
    return true;
  }

  #addFile({ path, bytes, content }: FileEntry, sha256: string): void {
    this.#totals.files += 1;
    this.#totals.bytes += bytes;
    if (content?.rows !== undefined) this.#totals.rows = (this.#totals.rows ?? 0) + content.rows;
    const bagPath = bag.PAYLOAD_FOLDER + path;
    // Only these characters are escaped, in the one file or in the other.
    const isPlain = !/[%\\\r\n]/.test(path);
    const line = isPlain ? `${sha256}  ${bagPath}` : bag.manifestLine(sha256, bagPath);
    const sumsLine = isPlain ? line : bag.sha256sumLine(sha256, bagPath);
    if (!isPlain) this.#hasOddNames ||= bag.needsSha256sumEscape(path);
    if (sumsLine !== line) this.#sums ??= this.#manifest.copy();
    this.#sums?.add(sumsLine);
    this.#manifest.add(line);
  }

  /** All tag files of the bundle. Asked once, behind the last entry. @param mtime of the tag files, whole seconds. */
  end(mtime: number): ExpectedTags {
    const { manifest, number: bundleNumber } = this.#sidecar;
    const { source, provenance } = manifest;
    const { rows, ...totals } = this.#totals;
    const embedded: EmbeddedManifest = {
      ...sidecarHead(manifest),
      bundle: bundleNumber,
      totals: { ...totals, ...(rows !== undefined && { rows }) },
    };
    const { bytes: payloadBytes, files: payloadFiles } = totals;
    const info = { source, provenance, bundleNumber, payloadBytes, payloadFiles, newestMtime: mtime };
    const facts = { hasSha256sums: this.#hasOddNames, hasFiles: payloadFiles > 0 };
    const restore = restoreText({ bag: this.#bag, partitionPath: source.path, ...facts });
    const payload = this.#manifest;
    const sums = this.#hasOddNames ? [(this.#sums ?? payload.copy()).tag(bag.EMBEDDED_SHA256SUMS)] : [];
    const tail = [
      tagOf(bag.BAG_INFO, bag.bagInfo(info)),
      payload.tag(bag.PAYLOAD_MANIFEST),
      tagOf(bag.EMBEDDED_EXPORT, serializeEmbeddedManifest(embedded)),
      this.#entries.tag(bag.EMBEDDED_FILES),
      ...sums,
    ];
    const tagged = [tagOf(bag.BAGIT_TXT, bag.BAGIT_TXT_CONTENT), tagOf(bag.RESTORE_MD, restore), ...tail];
    const tagManifest = tagged.map(({ name, sha256 }) => `${bag.manifestLine(sha256, name)}\n`).join('');
    return {
      head: Buffer.concat([
        ...this.#entry(bag.BAGIT_TXT, bag.BAGIT_TXT_CONTENT, mtime),
        ...this.#entry(bag.RESTORE_MD, restore, mtime),
      ]),
      tail: [...tail, tagOf(bag.TAG_MANIFEST, tagManifest)],
      embedded,
    };
  }

  #entry(name: string, text: string, mtime: number): readonly Buffer[] {
    const content = Buffer.from(text);
    const { length: bytes } = content;
    const header = encodeEntryHeader({ path: `${this.#bag}/${name}`, type: 'file', bytes, mtime, executable: false });
    return [header, content, Buffer.alloc(paddingBytes(bytes))];
  }
}

function tagOf(name: string, content: string | Buffer): ExpectedTag {
  return { name, bytes: Buffer.byteLength(content), sha256: sha256Of(content) };
}
