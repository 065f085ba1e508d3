/**
 * A pack into several archives, or one that removes what it packed: packs into the first archive, transfers to the
 * others, proves every export in all of them, and only then lets the files of the lake go.
 */
import { showPlace, type Archive } from '../../archive/archive.js';
import { LakepackError } from '../../base/errors.js';
import { finding } from '../../base/findings.js';
import { acquireLock } from '../../base/process-lock.js';
import { openScratchFolder } from '../../base/scratch-folder.js';
import { scanLake } from '../../lake/scan.js';
import { prefetch } from '../prefetch.js';
import { transfer } from '../transfer.js';
import type { PackedCopy, PackedExport } from './contract.js';
import { openTarget, targetName } from './open-target.js';
import { runPack, type SessionResult } from './pack-session.js';
import { onlyTheLake, type PackSettings } from './pack-settings.js';
import { proveCopies, type CopiesProof } from './prove-copies.js';
import { refuseUnfinished, RemovalJournal, unfinishedRemovals } from './removal-journal.js';
import { removeSource, type Removal, type RemovableExport, type RemovalSettings } from './remove-source.js';

export interface CopiesResult extends SessionResult {
  /** What an interrupted run had left to be removed. */
  readonly earlier: Pick<Removal, 'files' | 'bytes'>;
}

const NOTHING = { files: 0, bytes: 0 };

/** As `runPack`; also throws what `transfer` throws, and USAGE for archives that do not make as many copies. */
export async function runPackWithCopies(settings: PackSettings): Promise<CopiesResult> {
  const unfinished = await unfinishedRemovals(settings.lake);
  if (!settings.removeSource && !settings.dryRun) refuseUnfinished(settings.lakeShown, unfinished);
  const isPlain = settings.copyTo.length === 0 && !settings.removeSource;
  if (isPlain || settings.dryRun) return { ...(await runPack(settings)), earlier: NOTHING };
  const archives: Archive[] = [];
  try {
    for (const to of [settings.to, ...settings.copyTo]) archives.push(await openTarget({ ...settings, to }));
    await assertDistinct(archives, settings);
    return await new CopiesSession(settings, archives).run();
  } finally {
    for (const archive of archives) await archive.close();
  }
}

/** Exports that are proven at once where an archive is far away; files are removed one export after the other. */
const PROOFS_AT_ONCE = 16;

interface ProofSubject {
  readonly path: string;
  readonly exportId?: string;
}

class CopiesSession {
  readonly #settings: PackSettings;
  readonly #archives: readonly Archive[];
  readonly #exports = new Map<string, PackedExport>();

  constructor(settings: PackSettings, archives: readonly Archive[]) {
    this.#settings = settings;
    this.#archives = archives;
  }

  async run(): Promise<CopiesResult> {
    const { removeSource: removes, lake, lakeShown } = this.#settings;
    if (!removes) return { ...(await this.#pack()), earlier: NOTHING };
    const lock = await acquireLock(
      `remove\n${lake}`,
      `${lakeShown}: another lakepack is removing files from this lake`,
    );
    const scratch = await openScratchFolder();
    const journal = new RemovalJournal(lake);
    try {
      const earlier = await this.#finishEarlier(journal, scratch.folder);
      const result = await this.#pack();
      const exports = await this.#removeAll(result.exports, journal, scratch.folder);
      await journal.end(earlier.files);
      const findings = [...result.findings, ...earlier.removal.findings];
      return { ...result, exports, findings, earlier: earlier.removal };
    } finally {
      await journal.close();
      await scratch.remove();
      await lock.release();
    }
  }

  async #pack(): Promise<SessionResult> {
    const [first, ...others] = this.#archives;
    if (first === undefined) throw new LakepackError('INTERNAL', 'pack: there is no archive');
    const result = await runPack({ ...this.#settings, to: first });
    for (const one of result.exports) {
      const isThere = one.exportId !== undefined && (one.status === 'packed' || one.status === 'unchanged');
      this.#exports.set(one.path, isThere ? { ...one, copies: [{ archive: first.url }] } : one);
    }
    const findings = [...result.findings];
    for (const other of others) findings.push(...(await this.#transfer(first, other)));
    return { ...result, exports: [...this.#exports.values()], findings };
  }

  async #transfer(from: Archive, to: Archive): Promise<SessionResult['findings']> {
    const { proof, stateDir, signal, onProgress } = this.#settings;
    const exports = [...this.#exports.values()].flatMap(({ copies, exportId }) => (copies && exportId) ?? []);
    if (exports.length === 0) return [];
    const report = await transfer({ from, to, select: { exports }, proof, stateDir, signal, onProgress });
    for (const moved of report.exports) {
      const one = this.#exports.get(moved.path);
      if (one === undefined || one.exportId !== moved.exportId) continue;
      const copy = { archive: to.url, ...(moved.proof !== undefined && { proof: moved.proof }) };
      const copies = [...(one.copies ?? []), ...(moved.status === 'failed' ? [] : [copy])];
      this.#exports.set(moved.path, { ...one, copies, findings: [...one.findings, ...moved.findings] });
    }
    return report.findings;
  }

  /** What an earlier run had proven and begun to remove is proven again, and removed to its end. */
  async #finishEarlier(
    journal: RemovalJournal,
    scratchDir: string,
  ): Promise<{ readonly files: readonly string[]; readonly removal: Removal }> {
    const { lake, lakeShown, copies: needed, signal } = this.#settings;
    const unfinished = await unfinishedRemovals(lake);
    const removal = { files: 0, bytes: 0, findings: [] as Removal['findings'] };
    for (const one of unfinished.exports) {
      const { copies, manifest, archive } = await this.#prove(one, signal);
      if (copies.length < needed || manifest === undefined || archive === undefined) {
        refuseUnfinished(lakeShown, unfinished);
        break;
      }
      const target = { manifest, archive, selection: undefined, isFresh: false };
      const done = await removeSource(this.#removalSettings(scratchDir), target, () => journal.begin(one));
      await journal.done(one);
      removal.files += done.files;
      removal.bytes += done.bytes;
      removal.findings = [...removal.findings, ...done.findings];
    }
    return { files: unfinished.files, removal };
  }

  async #removeAll(
    exports: readonly PackedExport[],
    journal: RemovalJournal,
    scratchDir: string,
  ): Promise<PackedExport[]> {
    const { lake, select, by, unsupported, signal, onProgress } = this.#settings;
    onProgress({ type: 'phase', phase: 'remove' });
    const scan = await scanLake(lake, { select, by, unsupported, signal, scratchFolder: scratchDir });
    try {
      const selections = new Map(scan.selections.map((selection) => [selection.path, selection]));
      const results = new Map(exports.map((one) => [one.path, one]));
      const there = exports.filter((one) => one.copies !== undefined && selections.has(one.path));
      const ahead = this.#archives.some(({ remote }) => remote.isDistant) ? PROOFS_AT_ONCE : 1;
      const proofs = prefetch(there, { ahead, signal }, (one, stop) => this.#prove(one, stop));
      for await (const [one, proof] of proofs) {
        const target = { ...proof, selection: selections.get(one.path), isFresh: one.status === 'packed' };
        results.set(one.path, await this.#removeOne(one, target, journal, scratchDir));
      }
      return [...results.values()];
    } finally {
      scan.dispose();
    }
  }

  async #removeOne(
    one: PackedExport,
    target: CopiesProof & Pick<RemovableExport, 'selection' | 'isFresh'>,
    journal: RemovalJournal,
    scratchDir: string,
  ): Promise<PackedExport> {
    const { exportId = '', path: exportPath } = one;
    const { copies, refused, manifest, archive, selection, isFresh } = target;
    const of = { path: exportPath, exportId };
    if (copies.length < this.#settings.copies || manifest === undefined || archive === undefined) {
      return { ...one, copies, findings: [...one.findings, notProven(of, copies, this.#settings.copies, refused)] };
    }
    const removable = { manifest, archive, selection, isFresh };
    const removal = await removeSource(this.#removalSettings(scratchDir), removable, () => journal.begin(of));
    await journal.done(of);
    const removed = { files: removal.files, bytes: removal.bytes };
    return { ...one, copies, removed, findings: [...one.findings, ...removal.findings] };
  }

  #prove({ path: exportPath, exportId = '' }: ProofSubject, signal: AbortSignal): Promise<CopiesProof> {
    const { proof } = this.#settings;
    return proveCopies(this.#archives, { path: exportPath, exportId }, { proof, signal, onBytes: () => undefined });
  }

  #removalSettings(scratchDir: string): RemovalSettings {
    const { lake, signal, onProgress } = this.#settings;
    return { lake, scratchDir, signal, onProgress };
  }
}

function notProven(
  { path: partition, exportId }: { readonly path: string; readonly exportId: string },
  copies: readonly PackedCopy[],
  needed: number,
  refused: readonly string[],
): PackedExport['findings'][number] {
  const message = `${exportId}: its files stay in the lake: it could not be proven in enough archives`;
  return finding(
    'SOURCE_KEPT',
    message,
    { exportId, partition },
    {
      severity: 'error',
      expected: `${needed} archives`,
      found: `${copies.length}; ${refused.join('; ')}`,
      repair: 'lakepack verify says what is damaged there; when it is mended, run the same command again',
    },
  );
}

/** Twice the same archive would be two copies that are one; the lake alone would be none. */
async function assertDistinct(archives: readonly Archive[], settings: PackSettings): Promise<void> {
  const names = await Promise.all(archives.map(targetName));
  const twice = archives.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  if (twice !== undefined) {
    throw new LakepackError('USAGE', `--to: ${showPlace(twice)} was given twice: expected different archives`);
  }
  if (!settings.removeSource || archives.length > 1 || names[0] !== settings.lake) return;
  throw onlyTheLake(settings.lakeShown);
}
