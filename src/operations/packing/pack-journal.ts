/**
 * Remembers, on this machine, which export ids a pack has begun to write, so that the same command after a crash goes
 * on under the same ids and finds what it wrote; and what is known of finished exports, so that a run with nothing to
 * do reads no manifest. Losing it costs time, never data.
 */
import { sha256Of } from '../../base/sha256.js';
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';

export interface BegunExport {
  readonly path: string;
  readonly scanDigest: string;
  readonly exportId: string;
}

export class PackJournal {
  readonly #file: string;
  readonly #knownFile: string;
  /** Exports begun by an earlier run that did not end. */
  readonly unfinished: readonly BegunExport[];
  readonly #known: Map<string, string>;
  #knownChanged = false;

  private constructor(base: string, unfinished: readonly BegunExport[], known: Map<string, string>) {
    this.#file = `${base}.journal.jsonl`;
    this.#knownFile = `${base}.known.json`;
    this.unfinished = unfinished;
    this.#known = known;
  }

  /** Reads only; folders are made when something is written. @param name what it is for: one lake and one archive. */
  static async open(stateDir: string, name: string): Promise<PackJournal> {
    const base = path.join(stateDir, 'packs', sha256Of(name).slice(0, 32));
    return new PackJournal(base, await readBegun(`${base}.journal.jsonl`), await readKnown(`${base}.known.json`));
  }

  /** The id an earlier, unfinished run gave to just this content. */
  idFor(exportPath: string, scanDigest: string): string | undefined {
    return this.unfinished.find((one) => one.path === exportPath && one.scanDigest === scanDigest)?.exportId;
  }

  async begin(exports: readonly BegunExport[]): Promise<void> {
    if (exports.length === 0) return;
    await mkdir(path.dirname(this.#file), { recursive: true });
    // A line feed first: the run before may have been killed in the middle of a line.
    await appendFile(this.#file, exports.map((one) => `\n${JSON.stringify(one)}`).join('') + '\n');
  }

  /** The full scan digest of a finished export, when it is known here. */
  knownDigest(exportId: string): string | undefined {
    return this.#known.get(exportId);
  }

  /** @param scanDigest of a scan whose content that export holds. */
  know(exportId: string, scanDigest: string): void {
    this.#known.set(exportId, scanDigest);
    this.#knownChanged = true;
  }

  /** The digest of the tables' definitions by which a finished export is known to have fingerprints. */
  knownDefinitions(exportId: string): string | undefined {
    return this.#known.get(definitionsKey(exportId));
  }

  knowDefinitions(exportId: string, digest: string): void {
    this.know(definitionsKey(exportId), digest);
  }

  /** Says that every begun export is either committed or cleaned away. */
  async end(): Promise<void> {
    await this.saveKnown();
    await rm(this.#file, { force: true });
  }

  async saveKnown(): Promise<void> {
    if (!this.#knownChanged) return;
    await mkdir(path.dirname(this.#knownFile), { recursive: true });
    const temporary = `${this.#knownFile}.partial`;
    await writeFile(temporary, JSON.stringify(Object.fromEntries(this.#known)));
    await rename(temporary, this.#knownFile);
    this.#knownChanged = false;
  }
}

/** In the same file as the scan digests; no export id has a space. */
function definitionsKey(exportId: string): string {
  return `${exportId} definitions`;
}

async function readBegun(file: string): Promise<BegunExport[]> {
  const lines = (await readOrNothing(file)).split('\n');
  // The last line may be cut short by a crash; what it began has written nothing yet.
  return lines.flatMap((line) => {
    const one = parseOrUndefined(line);
    return isBegun(one) ? [one] : [];
  });
}

async function readKnown(file: string): Promise<Map<string, string>> {
  const known = parseOrUndefined(await readOrNothing(file));
  if (typeof known !== 'object' || known === null) return new Map();
  return new Map(Object.entries(known).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

async function readOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** A journal is a cache of this machine: a damaged one is the same as none, and is written anew. */
function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isBegun(value: unknown): value is BegunExport {
  if (typeof value !== 'object' || value === null) return false;
  const { path: exportPath, scanDigest, exportId } = value as Partial<Record<keyof BegunExport, unknown>>;
  return [exportPath, scanDigest, exportId].every((field) => typeof field === 'string');
}

/** Every export that a pack on this machine has begun and not ended, into whatever archive. */
export async function unfinishedExports(stateDir: string): Promise<readonly BegunExport[]> {
  const folder = path.join(stateDir, 'packs');
  const names = (await onDisk(folder, () => unlessAbsent(() => readdir(folder)))) ?? [];
  const journals = names.filter((name) => name.endsWith('.journal.jsonl'));
  const lists = await Promise.all(journals.map((name) => readBegun(path.join(folder, name))));
  return lists.flat();
}
