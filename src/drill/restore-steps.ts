/**
 * Pull, verify and unpack: the three steps that bring exports back, with the operations that an operator would use. An
 * export that fails one of them is left out of the next; the others go on.
 */
import { type Archive, archiveAt } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { Finding } from '../base/findings.js';
import { transfer, type TransferReport } from '../operations/transfer.js';
import { unpack } from '../operations/unpack.js';
import { verify } from '../operations/verify.js';
import type { DrillReason, DrillReasonCode } from '../schema/drill-record.js';
import type { DrillSettings } from './drill-settings.js';
import type { StepCounts, StepLog } from './drill-steps.js';
import type { DrillTools } from './drill-tools.js';
import type { PickedExport } from './look-at-archive.js';
import { narrowedTo } from './narrowed-archive.js';
import { reasonOfFinding } from './outcome.js';
import type { Scratch } from './scratch.js';

export interface RestoreContext {
  readonly archive: Archive;
  readonly settings: DrillSettings;
  readonly tools: DrillTools;
  readonly scratch: Scratch;
  readonly log: StepLog;
  /** What healed and other warnings said. */
  readonly findings: Finding[];
}

export interface Pulled {
  /** By manifest key, those that came whole into the scratch archive. */
  readonly exports: readonly PickedExport[];
  readonly counts: StepCounts;
  /** Not begun within the minutes of the budget. */
  readonly left: number;
  /** Manifest keys of those that are not sound in the archive itself, even where a fallback gave them whole. */
  readonly damaged: ReadonlySet<string>;
}

/** With a budget of minutes, so many are begun before the clock is looked at again. */
const SLICE = 16;

/** What fails one export, or ends it all, is a reason in the log; what came whole by then is returned. */
export async function pullExports(context: RestoreContext, picked: readonly PickedExport[]): Promise<Pulled> {
  const { tools, settings, scratch, log } = context;
  const maxMinutes = settings.plan.budget?.maxMinutes;
  const until = maxMinutes === undefined ? Infinity : tools.clockMs() + maxMinutes * 60_000;
  const size = maxMinutes === undefined ? Math.max(1, picked.length) : SLICE;
  const damaged = new Set<string>();
  let begun = 0;
  try {
    while (begun < picked.length && (begun === 0 || tools.clockMs() < until)) {
      const slice = picked.slice(begun, begun + size);
      begun += slice.length;
      await pullSlice(context, slice, damaged);
    }
  } catch (error) {
    log.addError(error);
    begun = picked.length;
  }
  const there = await committed(scratch);
  const exports = picked.filter(({ ref }) => there.has(ref.manifestKey));
  const bytes = exports.reduce((sum, one) => sum + one.storedBytes, 0);
  return { exports, counts: { bytes }, left: picked.length - begun, damaged };
}

async function pullSlice(context: RestoreContext, slice: readonly PickedExport[], damaged: Set<string>): Promise<void> {
  const { archive, settings, scratch, findings } = context;
  const refs = slice.map(({ ref }) => ref);
  const report = await transfer({
    from: narrowedTo(archive, refs),
    to: scratch.archive,
    select: { history: true },
    concurrency: settings.concurrency,
    stateDir: scratch.state,
    signal: settings.signal,
    onProgress: settings.onProgress,
  });
  const warnings = [...report.findings, ...report.exports.flatMap((one) => one.findings)];
  findings.push(...warnings.filter((one) => one.severity === 'warning'));
  for (const key of await diagnose(context, refs, report)) damaged.add(key);
}

/**
 * What did not come, or came from a fallback, is looked at where it is: a verify without fallbacks says exactly what
 * is missing, short or changed there. Returns the manifest keys of those that are not sound.
 */
async function diagnose(
  { archive, settings, log }: RestoreContext,
  refs: readonly ExportRef[],
  report: TransferReport,
): Promise<readonly string[]> {
  const healed = report.findings.filter(({ code }) => code === 'HEALED').map(({ where }) => where.exportId ?? '');
  const failed = report.exports.filter(({ status }) => status === 'failed');
  const suspects = new Set([...healed, ...failed.map(({ exportId }) => exportId)]);
  const looked = refs.filter(({ exportId }) => suspects.has(exportId));
  if (looked.length === 0) return [];
  const { exports } = await verify({
    archive: narrowedTo(archive, looked),
    select: { history: true },
    depth: 'stored',
    concurrency: settings.concurrency,
    signal: settings.signal,
  });
  exports.forEach((one) => addFindings(log, one, 'pull'));
  for (const one of failed) {
    const isTold = exports.some(({ name, path, ok }) => name === one.exportId && path === one.path && !ok);
    // The second look found nothing: what the first one said stands, since the export did not come.
    if (!isTold) addFindings(log, one, 'pull');
  }
  const bad = new Set(exports.filter(({ ok }) => !ok).map(({ name, path }) => `${path}/${name}`));
  return looked.filter(({ path, exportId }) => bad.has(`${path}/${exportId}`)).map((ref) => ref.manifestKey);
}

/** Every byte that was pulled, once more, down to the files. Returns those that are sound. */
export async function verifyPulled(
  { settings, scratch, log }: RestoreContext,
  pulled: readonly PickedExport[],
): Promise<{ readonly sound: readonly PickedExport[]; readonly counts: StepCounts }> {
  const { exports, totals } = await verify({
    archive: scratch.archive,
    select: { history: true },
    concurrency: settings.concurrency,
    signal: settings.signal,
    onProgress: settings.onProgress,
  });
  exports.forEach((one) => addFindings(log, one, 'verify'));
  const isOk = new Set(exports.filter(({ ok }) => ok).map(({ name, path }) => `${path}/${name}`));
  const sound = pulled.filter(({ ref }) => isOk.has(`${ref.path}/${ref.exportId}`));
  return { sound, counts: { bytes: totals.contentBytesRead, files: totals.files } };
}

/** Restores what is sound into the scratch lake. Throws what unpack throws; HASH_MISMATCH where an export is not told of. */
export async function unpackSound(
  { settings, scratch }: RestoreContext,
  sound: readonly PickedExport[],
): Promise<StepCounts> {
  const local = await archiveAt(scratch.archive, { mode: 'read' });
  try {
    const refs = sound.map(({ ref }) => ref);
    const report = await unpack({
      from: narrowedTo(local, refs),
      select: { history: true },
      into: scratch.lake,
      concurrency: settings.concurrency,
      signal: settings.signal,
      onProgress: settings.onProgress,
    });
    const told = new Set(report.exports.map(({ path, name }) => `${path}/${name}`));
    const untold = refs.find(({ path, exportId }) => !told.has(`${path}/${exportId}`));
    if (untold !== undefined) {
      throw new LakepackError('HASH_MISMATCH', `${untold.path}/${untold.exportId}: was verified, and not restored`);
    }
    return { files: report.totals.files + report.totals.kept, bytes: report.totals.bytes };
  } finally {
    await local.close();
  }
}

async function committed({ archive: folder }: Scratch): Promise<ReadonlySet<string>> {
  const there = new Set<string>();
  try {
    const archive = await archiveAt(folder, { mode: 'read' });
    for await (const { manifestKey } of archive.list()) there.add(manifestKey);
    await archive.close();
  } catch (error) {
    // Nothing was pulled at all: there is no folder.
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
  }
  return there;
}

/** One reason for each object, the one that says most: a bundle that is cut short has wrong blocks, too. */
function addFindings(
  log: StepLog,
  { findings }: { readonly findings: readonly Finding[] },
  step: 'pull' | 'verify',
): void {
  const best = new Map<string, DrillReason>();
  for (const found of findings) {
    const reason = reasonOfFinding(found, step);
    if (reason === undefined) continue;
    const about = reason.where ?? reason.message;
    const other = best.get(about);
    if (other === undefined || rankOf(reason) < rankOf(other)) best.set(about, reason);
  }
  for (const reason of best.values()) log.add(reason);
}

function rankOf({ code }: DrillReason): number {
  const rank = TELLING.indexOf(code);
  return rank < 0 ? TELLING.length : rank;
}

const TELLING: readonly DrillReasonCode[] = ['BUNDLE_MISSING', 'BUNDLE_TRUNCATED', 'MANIFEST_DAMAGED'];
