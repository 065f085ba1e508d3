/** Restores a tar or tar.zst that is no bundle of ours. It has no checksums; all other rules hold for it too. */
import path from 'node:path';
import { throwIfAborted } from '../../base/errors.js';
import { LineSpool } from '../../base/line-spool.js';
import { readForeign, type ForeignEntry } from '../../bundle/foreign.js';
import { openBundleFile } from '../bundle-file.js';
import type { BundleFileSettings, StagedContent } from './restore-bundle-file.js';
import type { StagedWrite } from './staging.js';

/** Throws TAR_INVALID, ZSTD_INVALID, PATH_UNSAFE or LIMIT_EXCEEDED for an archive that is damaged or hostile. */
export async function restoreForeign(settings: BundleFileSettings, file: string): Promise<StagedContent> {
  const name = path.basename(file);
  const source = await openBundleFile(file);
  const restorer = new ForeignRestorer(settings);
  try {
    for await (const event of readForeign(source)) {
      throwIfAborted(settings.signal);
      if (event.type === 'entry') await restorer.begin(event.entry);
      else if (event.type === 'data') await restorer.data(event.bytes);
      else await restorer.end();
    }
    return restorer.result(name);
  } catch (error) {
    await restorer.abort();
    throw error;
  } finally {
    await source.close();
  }
}

class ForeignRestorer {
  readonly #settings: BundleFileSettings;
  readonly #paths: LineSpool;
  readonly #directories: ForeignEntry[] = [];
  #write: StagedWrite | undefined;
  #files = 0;
  #bytes = 0;

  constructor(settings: BundleFileSettings) {
    this.#settings = settings;
    this.#paths = new LineSpool({ scratchDir: settings.scratchDir });
  }

  async begin(entry: ForeignEntry): Promise<void> {
    if (entry.path === '.' || !this.#settings.wants(entry.path)) return;
    this.#paths.append(JSON.stringify(entry.path));
    if (entry.type === 'directory') {
      this.#directories.push(entry);
      return;
    }
    this.#files += 1;
    this.#bytes += entry.bytes;
    this.#write = await this.#settings.staging.openFile({ ...entry, mtime: settableTime(entry.mtime) });
  }

  async data(bytes: Buffer): Promise<void> {
    await this.#write?.data(bytes);
  }

  async end(): Promise<void> {
    const write = this.#write;
    this.#write = undefined;
    if (write === undefined) return;
    await write.end();
    this.#settings.onProgress({ type: 'advance', files: 1, bytes: 0 });
  }

  result(name: string): StagedContent {
    for (const { path: folder, mtime } of this.#directories) {
      this.#settings.staging.makeDirectory(folder, settableTime(mtime));
    }
    return { name, path: '', files: this.#files, bytes: this.#bytes, paths: this.#paths };
  }

  async abort(): Promise<void> {
    this.#paths.dispose();
    await this.#write?.abort();
  }
}

/** The times a disk can hold (ext4: 1901 to 2446); an archive of unknown make may say anything. */
function settableTime(seconds: number): number {
  return Math.min(Math.max(seconds, -(2 ** 31)), 15_032_385_535);
}
