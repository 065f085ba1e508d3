/**
 * Restores a bundle file by itself, without a sidecar: what it holds is known only when it has been read to its end,
 * so everything is staged while it is checked, and nothing of it counts if the check finds anything at all.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { throwIfAborted } from '../../base/errors.js';
import { LineSpool } from '../../base/line-spool.js';
import type { ProgressListener } from '../../base/progress.js';
import { checkBundle } from '../../bundle/check.js';
import type { ObservedEntry, PayloadSink } from '../../bundle/check-payload.js';
import type { EntryReceiver } from '../../bundle/check-tar.js';
import type { EmbeddedManifest } from '../../schema/export-manifest.js';
import { openBundleFile } from '../bundle-file.js';
import { ambiguousBundles, damagedBundle } from './restore-errors.js';
import type { Staging } from './staging.js';
import { sha256OfFile, type PresenceCheck } from './target.js';

export interface BundleFileSettings {
  readonly staging: Staging;
  readonly presence: PresenceCheck;
  readonly wants: (lakePath: string) => boolean;
  readonly concurrency: number;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

/** What was staged from a file that has no manifest beside it. */
export interface StagedContent {
  readonly name: string;
  /** Partition path, where the bundle says it. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** Lake paths of what was staged, in order, as JSON strings. */
  readonly paths: LineSpool;
}

/** Throws BUNDLE_INVALID, HASH_MISMATCH, TAR_INVALID, ZSTD_INVALID or SEEK_TABLE_INVALID for a bundle with findings. */
export async function restoreBundleFile(settings: BundleFileSettings, file: string): Promise<StagedContent> {
  const name = path.basename(file);
  const source = await openBundleFile(file);
  const sink = new StagingSink(settings, name);
  try {
    const { findings, embedded } = await checkBundle(source, {
      depth: 'contents',
      sidecar: undefined,
      where: { bundle: name },
      concurrency: settings.concurrency,
      scratchDir: settings.scratchDir,
      signal: settings.signal,
      onBytes: () => throwIfAborted(settings.signal),
      sink,
    });
    const [first] = findings;
    if (first !== undefined) throw damagedBundle(name, first, findings.length);
    sink.makeDirectories();
    return sink.result(name, embedded);
  } catch (error) {
    sink.dispose();
    throw error;
  } finally {
    await source.close();
  }
}

class StagingSink implements PayloadSink {
  readonly #settings: BundleFileSettings;
  readonly #name: string;
  readonly #paths: LineSpool;
  readonly #directories: ObservedEntry[] = [];
  #files = 0;
  #bytes = 0;

  constructor(settings: BundleFileSettings, name: string) {
    this.#settings = settings;
    this.#name = name;
    this.#paths = new LineSpool({ scratchDir: settings.scratchDir });
  }

  async open(entry: ObservedEntry): Promise<EntryReceiver | undefined> {
    const { wants, staging, onProgress } = this.#settings;
    if (!wants(entry.path)) return undefined;
    if (entry.type === 'file' && staging.isStaged(entry.path)) return this.#compare(entry);
    this.#paths.append(JSON.stringify(entry.path));
    if (entry.type === 'directory') {
      this.#directories.push(entry);
      return undefined;
    }
    this.#files += 1;
    this.#bytes += entry.bytes;
    const write = await staging.openFile(entry);
    return {
      data: (bytes) => write.data(bytes),
      end: async (complete) => {
        await (complete ? write.end() : write.abort());
        onProgress({ type: 'advance', files: 1, bytes: entry.bytes });
      },
    };
  }

  /** Another bundle of this run holds the file too: harmless when it is the same. */
  #compare(entry: ObservedEntry): EntryReceiver {
    const { staging, presence } = this.#settings;
    const hash = createHash('sha256');
    return {
      data: (bytes) => void hash.update(bytes),
      end: async (complete) => {
        if (!complete) return;
        const wanted = { path: entry.path, bytes: entry.bytes, sha256: hash.digest('hex') };
        const staged = await staging.facts(entry.path);
        // Dropped from the staging folder: it was equal to what the target has.
        const isSame =
          staged === undefined
            ? (await presence.of(wanted)) === 'equal'
            : (await sha256OfFile(staged.disk)) === wanted.sha256;
        if (!isSame) throw ambiguousBundles(this.#name, entry.path);
      },
    };
  }

  makeDirectories(): void {
    for (const { path: lakePath, mtime } of this.#directories) this.#settings.staging.makeDirectory(lakePath, mtime);
  }

  result(name: string, embedded: EmbeddedManifest | undefined): StagedContent {
    return { name, path: embedded?.source.path ?? '', files: this.#files, bytes: this.#bytes, paths: this.#paths };
  }

  dispose(): void {
    this.#paths.dispose();
  }
}
