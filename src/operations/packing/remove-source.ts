/**
 * Removes the files of one export from the lake, once others have proven that it stands elsewhere. A file goes only if
 * its bytes, read again, are those of the manifest, and an export goes whole or not at all: what would be left of a
 * partition would be packed as if it were all of it.
 */
import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Archive } from '../../archive/archive.js';
import { parseManifestKey, manifestKey } from '../../archive/layout.js';
import { isLakepackError, LakepackError, systemErrorCode, throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { LineSpool } from '../../base/line-spool.js';
import { showPath, toDiskPath } from '../../base/paths.js';
import type { ProgressListener } from '../../base/progress.js';
import { fromSystemError } from '../../base/system-errors.js';
import { LAKE_CONFIG_NAME } from '../../config/lake-config.js';
import type { ExportSelection, SourceEntry } from '../../lake/contract.js';
import { readSourceFile } from '../../lake/source-file.js';
import type { ExportManifest, FileEntry } from '../../schema/export-manifest.js';
import { RECIPE_NAME } from '../../schema/recipe.js';

export interface RemovalSettings {
  /** Absolute, links resolved. */
  readonly lake: string;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

export interface RemovableExport {
  readonly manifest: ExportManifest;
  /** Where its entries are read. */
  readonly archive: Archive;
  /**
   * What a look at the lake, made after the packing, finds of it. Undefined for a removal that was interrupted: then
   * files may be missing.
   */
  readonly selection: ExportSelection | undefined;
  /** True where this run packed it: then not even a time may have changed since. */
  readonly isFresh: boolean;
}

export interface Removal {
  readonly files: number;
  readonly bytes: number;
  /** SOURCE_KEPT: what stays, and why. */
  readonly findings: readonly Finding[];
}

/** @param begin is told before the first file goes, and never where nothing does. */
export async function removeSource(
  settings: RemovalSettings,
  one: RemovableExport,
  begin: () => Promise<void>,
): Promise<Removal> {
  const remover = new SourceRemover(settings, one);
  try {
    return await remover.run(begin);
  } catch (error) {
    throw fromSystemError(error, settings.lake);
  } finally {
    remover.dispose();
  }
}

interface Fault {
  /** Lake path, or partition path where it is about all of it. */
  readonly path: string;
  readonly why: string;
}

/** What lakepack needs in a lake, and the folders where archives keep their objects: nothing of them is removed. */
const KEPT_TOPS = ['exports', 'manifests', 'drills', '.lakepack', LAKE_CONFIG_NAME, RECIPE_NAME];
const STEPS_PER_TURN = 256;

class SourceRemover {
  readonly #settings: RemovalSettings;
  readonly #one: RemovableExport;
  /** Files whose bytes were found to be the manifest's. */
  readonly #same: LineSpool;
  readonly #folders = new Set<string>();
  readonly #findings: Finding[] = [];
  readonly #realFolders = new Set<string>();

  constructor(settings: RemovalSettings, one: RemovableExport) {
    this.#settings = settings;
    this.#one = one;
    this.#same = new LineSpool({ scratchDir: settings.scratchDir });
  }

  dispose(): void {
    this.#same.dispose();
  }

  async run(begin: () => Promise<void>): Promise<Removal> {
    const { selection } = this.#one;
    if (selection === undefined) await this.#lookAtWhatIsLeft();
    else await this.#compareWith(selection);
    const removed = { files: 0, bytes: 0 };
    if (selection !== undefined && this.#findings.length > 0) return { ...removed, findings: this.#findings };
    if (this.#same.count > 0 || this.#folders.size > 0) await begin();
    let steps = 0;
    for await (const line of this.#same) {
      if (steps++ % STEPS_PER_TURN === 0) await nextTurn();
      throwIfAborted(this.#settings.signal);
      const entry = entryFrom(line);
      if (!this.#remove(entry)) continue;
      removed.files += 1;
      removed.bytes += entry.bytes;
      this.#settings.onProgress({ type: 'advance', files: 1, bytes: entry.bytes });
    }
    this.#removeFolders();
    return { ...removed, findings: this.#findings };
  }

  /** Entry by entry: whatever is more, less or other in the lake keeps all of it. */
  async #compareWith(selection: ExportSelection): Promise<void> {
    const fault = await this.#faultOf(selection);
    if (fault !== undefined) this.#keep(fault.path, fault.why);
  }

  async #faultOf({ path: exportPath, entries, findings }: ExportSelection): Promise<Fault | undefined> {
    const { isFresh, manifest } = this.#one;
    const unreadable = findings.find((one) => one.severity === 'error');
    if (unreadable !== undefined) return { path: exportPath, why: unreadable.message };
    const inLake = entries[Symbol.asyncIterator]();
    for await (const packed of this.#entries()) {
      throwIfAborted(this.#settings.signal);
      const next = await inLake.next();
      if (next.done === true) return { path: packed.path, why: 'it is gone' };
      if (!isSameEntry(next.value, packed)) return { path: next.value.path, why: 'it is new, or of another size' };
      this.#addFolder(packed);
      const why = packed.type === 'directory' ? undefined : await this.#addIfSame(next.value, packed);
      if (why !== undefined) return { path: packed.path, why };
    }
    const more = await inLake.next();
    if (more.done !== true) return { path: more.value.path, why: 'it is new' };
    const sameTimes = !isFresh || entries.scanDigest === manifest.source.scanDigest;
    return sameTimes ? undefined : { path: exportPath, why: 'the time of a file is another' };
  }

  /** Of a removal that was interrupted: some files are gone, and those that are there are looked at one by one. */
  async #lookAtWhatIsLeft(): Promise<void> {
    for await (const expected of this.#entries()) {
      throwIfAborted(this.#settings.signal);
      this.#addFolder(expected);
      if (expected.type === 'directory') continue;
      const entry = this.#entryOnDisk(expected.path);
      if (entry === undefined) continue;
      const isSame = isSameEntry(entry, expected);
      const why = isSame ? await this.#addIfSame(entry, expected) : 'it is of another size or kind';
      if (why !== undefined) this.#keep(entry.path, why);
    }
  }

  #entries(): AsyncGenerator<FileEntry> {
    const { archive, manifest } = this.#one;
    const ref = parseManifestKey(manifestKey(manifest.source.path, manifest.exportId));
    if (ref === undefined) throw new LakepackError('INTERNAL', `${manifest.exportId}: is no export id`);
    return archive.entries(ref, manifest, this.#settings.signal);
  }

  /** Remembers a file whose bytes are the manifest's; otherwise resolves with what is wrong. */
  async #addIfSame(entry: SourceEntry, expected: FileEntry): Promise<string | undefined> {
    try {
      const hash = createHash('sha256');
      for await (const chunk of readSourceFile(this.#settings.lake, entry)) hash.update(chunk);
      if (hash.digest('hex') !== expected.sha256) return 'its bytes are others';
      this.#same.append(JSON.stringify({ ...entry, mtimeNs: String(entry.mtimeNs) }));
      return undefined;
    } catch (error) {
      if (isLakepackError(error, 'SOURCE_CHANGED') || isLakepackError(error, 'SOURCE_UNREADABLE')) return error.message;
      throw error;
    }
  }

  #keep(lakePath: string, why: string): void {
    const { manifest, selection } = this.#one;
    const where = { exportId: manifest.exportId, partition: manifest.source.path, path: lakePath };
    const rest = selection === undefined ? 'it stays' : 'all of this export stays';
    const repair =
      selection === undefined
        ? `lakepack import unpack ${manifest.exportId} --from ARCHIVE --into LAKE puts back what was removed; then pack again`
        : 'pack again: what changed is packed, and then removed';
    this.#findings.push(
      finding('SOURCE_KEPT', `${showPath(lakePath)}: not what was packed (${why}): ${rest}`, where, { repair }),
    );
  }

  #entryOnDisk(lakePath: string): SourceEntry | undefined {
    const stats = lstatSync(toDiskPath(this.#settings.lake, lakePath), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const type = stats.isFile() ? ('file' as const) : ('directory' as const);
    const executable = (stats.mode & 0o111n) !== 0n;
    return { path: lakePath, type, bytes: Number(stats.size), mtimeNs: stats.mtimeNs, executable };
  }

  /** In one turn, so that next to nothing can come between the look and the removal. */
  #remove(entry: SourceEntry): boolean {
    if (isKept(entry.path) || !this.#isInLake(path.posix.dirname(entry.path))) return false;
    const now = this.#entryOnDisk(entry.path);
    if (now === undefined) return false;
    if (now.type !== 'file' || now.bytes !== entry.bytes || now.mtimeNs !== entry.mtimeNs) {
      this.#keep(entry.path, 'it has just changed');
      return false;
    }
    unlinkSync(toDiskPath(this.#settings.lake, entry.path));
    return true;
  }

  /** A folder that has become a link leads elsewhere: nothing is removed through it. */
  #isInLake(folder: string): boolean {
    if (folder === '.' || this.#realFolders.has(folder)) return true;
    const disk = toDiskPath(this.#settings.lake, folder);
    if (realpathSync(disk) !== disk) return false;
    this.#realFolders.add(folder);
    return true;
  }

  #addFolder(entry: FileEntry): void {
    const folder = entry.type === 'directory' ? entry.path : path.posix.dirname(entry.path);
    if (folder !== '.' && !isKept(folder)) this.#folders.add(folder);
  }

  /**
   * Empty folders go, up to the lake: an empty dataset left behind would be packed as one, and its export would say
   * that the dataset has nothing in it any more.
   */
  #removeFolders(): void {
    const deepestFirst = [...this.#folders].sort((a, b) => b.length - a.length);
    for (const folder of deepestFirst) {
      for (let above = folder; above !== '.' && !isKept(above); above = path.posix.dirname(above)) {
        if (!removeIfEmpty(toDiskPath(this.#settings.lake, above))) break;
      }
    }
  }
}

/** True where the folder is gone, also when it was before. A link is no folder, and stays. */
function removeIfEmpty(disk: string): boolean {
  try {
    rmdirSync(disk);
    return true;
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (code === 'ENOENT') return true;
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY', 'EACCES', 'EPERM'].includes(code)) return false;
    throw error;
  }
}

function isKept(lakePath: string): boolean {
  return KEPT_TOPS.includes(lakePath.split('/', 1)[0] ?? '');
}

/** The execute bit alone is no change, for packing as for this. */
function isSameEntry(entry: SourceEntry, packed: FileEntry): boolean {
  return entry.path === packed.path && entry.type === (packed.type ?? 'file') && entry.bytes === packed.bytes;
}

function entryFrom(line: string): SourceEntry {
  const entry = JSON.parse(line) as Omit<SourceEntry, 'mtimeNs'> & { readonly mtimeNs: string };
  return { ...entry, mtimeNs: BigInt(entry.mtimeNs) };
}
