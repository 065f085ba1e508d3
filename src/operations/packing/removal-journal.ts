/**
 * Remembers, in the lake itself, which exports' files are being removed from it: half a partition must not be packed
 * as if it were the whole, on whatever machine the lake is packed next. Written before the first file goes.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rm, rmdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { parseExportId } from '../../archive/layout.js';
import { LakepackError, systemErrorCode } from '../../base/errors.js';
import { lakePathFault, showPath } from '../../base/paths.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';
import { syncFolder } from '../../remote/file-flush.js';

export interface RemovedExport {
  readonly path: string;
  readonly exportId: string;
}

const OWN_FOLDER = '.lakepack';
const NAME = /^removal-[0-9a-f]{16}\.jsonl$/;

/** Exports whose removal an earlier run has begun and not ended, and the files that say so. */
export interface UnfinishedRemovals {
  readonly exports: readonly RemovedExport[];
  readonly files: readonly string[];
}

/** Throws TARGET_CONFLICT where something else than a folder of ours is in its place. */
export async function unfinishedRemovals(lake: string): Promise<UnfinishedRemovals> {
  const folder = path.join(lake, OWN_FOLDER);
  const stats = await onDisk(folder, () => unlessAbsent(() => lstat(folder)));
  if (stats !== undefined && !stats.isDirectory()) throw notOurs(folder);
  const names = (await unlessAbsent(() => readdir(folder))) ?? [];
  const files = names.filter((name) => NAME.test(name)).map((name) => path.join(folder, name));
  const exports: RemovedExport[] = [];
  for (const file of files) exports.push(...begunOf(await readFile(file, 'utf8')));
  return { exports, files };
}

/** A link would lead what is written there out of the lake. */
function notOurs(folder: string): LakepackError {
  return new LakepackError('TARGET_CONFLICT', `${folder}: is not a folder of lakepack's own`, {
    hint: 'nothing was done; move away what stands there',
  });
}

/** Throws USAGE: packing half of what was, without going on with the removal, would make an export of the other half. */
export function refuseUnfinished(lakeShown: string, { exports }: UnfinishedRemovals): void {
  const [first] = exports;
  if (first === undefined) return;
  const more = exports.length === 1 ? '' : ` and ${exports.length - 1} more`;
  throw new LakepackError(
    'USAGE',
    `${lakeShown}: an interrupted --remove-source has removed a part of ${showPath(first.path)}${more}`,
    {
      hint:
        'run the command with --remove-source again, with the same archives: it finishes; or put the files back with ' +
        `lakepack import unpack ${first.exportId} --from ARCHIVE --into ${lakeShown} and delete ${OWN_FOLDER}/removal-*.jsonl there`,
    },
  );
}

export class RemovalJournal {
  readonly #folder: string;
  readonly #file: string;
  #handle: FileHandle | undefined;

  constructor(lake: string) {
    this.#folder = path.join(lake, OWN_FOLDER);
    this.#file = path.join(this.#folder, `removal-${randomBytes(8).toString('hex')}.jsonl`);
  }

  /** Resolves when it would survive a power cut. */
  async begin({ path: exportPath, exportId }: RemovedExport): Promise<void> {
    await this.#append({ begin: exportId, path: exportPath });
    await this.#handle?.datasync();
  }

  /** Where this line is lost, the next run finds nothing left to remove. */
  async done({ exportId }: RemovedExport): Promise<void> {
    await this.#append({ done: exportId });
  }

  async #append(line: object): Promise<void> {
    if (this.#handle === undefined) {
      await mkdir(this.#folder, { recursive: true });
      this.#handle = await open(this.#file, 'a');
      for (const folder of [this.#folder, path.dirname(this.#folder)]) await syncFolder(folder);
    }
    await this.#handle.appendFile(`${JSON.stringify(line)}\n`);
  }

  /** @param finished files of earlier runs whose removals this one has ended. */
  async end(finished: readonly string[]): Promise<void> {
    await this.close();
    for (const file of [...finished, this.#file]) await rm(file, { force: true });
    await rmdir(this.#folder).catch(ignoreInUse);
  }

  /** Leaves it for the next run. */
  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** A lake may have come with somebody else's data: what is no export is not believed, nor printed. */
function exportOf(exportId: unknown, exportPath: unknown): RemovedExport | undefined {
  if (typeof exportId !== 'string' || typeof exportPath !== 'string') return undefined;
  const isSound = parseExportId(exportId) !== undefined && lakePathFault(exportPath) === undefined;
  return isSound ? { path: exportPath, exportId } : undefined;
}

function begunOf(text: string): RemovedExport[] {
  const begun = new Map<string, RemovedExport>();
  for (const line of text.split('\n')) {
    const { begin, path: exportPath, done } = fieldsOf(line);
    const one = exportOf(begin, exportPath);
    if (one !== undefined) begun.set(one.exportId, one);
    if (typeof done === 'string') begun.delete(done);
  }
  return [...begun.values()];
}

/** The last line may be cut short by a crash: then nothing was removed for it yet. */
function fieldsOf(line: string): Partial<Record<'begin' | 'path' | 'done', unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Something else of ours is in the folder, or it was never made. */
function ignoreInUse(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
}
