/**
 * Reads a tar or tar.zst that is no bundle of ours, one entry at a time, as strictly as our own: nothing that two
 * readers could understand in two ways, no links, no devices, no path that leaves the target, no bomb. It carries no
 * checksums, so what it yields is as true as the file.
 */
import { LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { assertLakePath, showPath } from '../base/paths.js';
import { TarReader, type TarEntry } from '../codec/tar-reader.js';
import { decompressFrame } from '../codec/zstd.js';
import { splitFrames } from '../codec/zstd-frame.js';
import type { ByteSource } from './byte-source.js';

/** One frame of an archive made elsewhere is decoded in memory. */
const MAX_FRAME_BYTES = 128 * MIB;
/** What zstd does to text stays far below this; a bomb does not. */
const MAX_RATIO = 1000;
const RATIO_FLOOR_BYTES = 64 * MIB;
/** Every name is remembered, to refuse one that comes twice: so many of them, and so much of them. */
const MAX_ENTRIES = 1_000_000;
const MAX_NAMES_BYTES = 128 * MIB;

export interface ForeignEntry {
  readonly path: string;
  readonly type: 'file' | 'directory';
  readonly bytes: number;
  readonly mtime: number;
  readonly executable: boolean;
}

export type ForeignEvent =
  | { readonly type: 'entry'; readonly entry: ForeignEntry }
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'entry-end' };

/** @throws TAR_INVALID, ZSTD_INVALID, PATH_UNSAFE, LIMIT_EXCEEDED. What was yielded before counts only at the end. */
export async function* readForeign(source: ByteSource): AsyncGenerator<ForeignEvent> {
  const reader = new TarReader({ subject: source.name, strictPadding: false });
  const names = new NameRules(source.name);
  for await (const chunk of tarBytes(source)) {
    for (const event of reader.push(chunk)) {
      if (event.type !== 'entry') yield event;
      else yield { type: 'entry', entry: names.accept(event.entry) };
    }
  }
  reader.end();
}

async function* tarBytes(source: ByteSource): AsyncGenerator<Buffer> {
  const whole = source.stream(0, source.bytes);
  if (!/\.(zst|zstd|tzst)$/i.test(source.name)) {
    yield* whole;
    return;
  }
  const limit = Math.max(RATIO_FLOOR_BYTES, source.bytes * MAX_RATIO);
  let total = 0;
  for await (const frame of splitFrames(whole, { maxFrameStoredBytes: MAX_FRAME_BYTES, subject: source.name })) {
    if (frame.facts.kind !== 'zstd') continue;
    const content = await decompressFrame(frame.bytes, Math.min(MAX_FRAME_BYTES, limit - total));
    total += content.length;
    yield content;
  }
}

const KINDS = {
  symlink: 'is a symbolic link',
  hardlink: 'is a hard link',
  other: 'is a device, a fifo or of an unknown type',
} as const;

/** Which names one archive may hold, one after the other. */
class NameRules {
  readonly #subject: string;
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  #namesBytes = 0;

  constructor(subject: string) {
    this.#subject = subject;
  }

  accept(entry: TarEntry): ForeignEntry {
    const { type, bytes, mtime, mode } = entry;
    if (type !== 'file' && type !== 'directory')
      throw this.#refused(entry, `${KINDS[type]}: expected a file or directory`);
    const path = normalized(entry);
    if (path === '.' && type === 'directory') return { path, type, bytes: 0, mtime, executable: false };
    assertLakePath(path, this.#subject);
    if (this.#files.has(path)) throw this.#refused(entry, 'is there twice');
    if (type === 'file' && this.#folders.has(path)) throw this.#refused(entry, 'is a file and a folder');
    this.#addFolders(entry, path);
    if (type === 'file') this.#files.add(path);
    else this.#folders.add(path);
    this.#assertWithinLimits(path);
    return { path, type, bytes, mtime, executable: type === 'file' && (mode & 0o100) !== 0 };
  }

  #assertWithinLimits(path: string): void {
    this.#namesBytes += Buffer.byteLength(path);
    const entries = this.#files.size + this.#folders.size;
    if (entries <= MAX_ENTRIES && this.#namesBytes <= MAX_NAMES_BYTES) return;
    const limits = `${MAX_ENTRIES} entries and ${MAX_NAMES_BYTES} bytes of names`;
    throw new LakepackError(
      'LIMIT_EXCEEDED',
      `${this.#subject}: too many entries: expected at most ${limits}, got more`,
      {
        hint: 'nothing was restored; unpack it with tar where you trust it',
      },
    );
  }

  #addFolders(entry: TarEntry, path: string): void {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash);
      if (this.#folders.has(folder)) return;
      if (this.#files.has(folder)) throw this.#refused(entry, 'stands below a file');
      this.#folders.add(folder);
    }
  }

  #refused({ name, headerOffset }: TarEntry, what: string): LakepackError {
    return new LakepackError('TAR_INVALID', `${this.#subject} at ${headerOffset}: ${showPath(name)} ${what}`, {
      hint: 'nothing was restored; look at the archive with tar -tv before you trust it',
    });
  }
}

/** `./a` means `a`, and a folder may end in a slash; nothing else is made right. */
function normalized({ name, type }: TarEntry): string {
  const path = name.replace(/^(?:\.\/)+/, '');
  const bare = type === 'directory' ? path.replace(/\/$/, '') : path;
  return bare === '' && name.startsWith('.') ? '.' : bare;
}
