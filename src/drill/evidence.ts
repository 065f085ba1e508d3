/**
 * Evidence of drills in an archive: `drills/<yyyy>/<drillId>.drill.json`, put once and never again. Each record names
 * the one before it with the SHA-256 of its stored bytes, so that a record which is changed or taken away later is
 * noticed (`history.ts`). Two drills at the same time may name the same one: the chain forks there, and history says so.
 */
import { type Archive, archiveAt, type ArchivePlace } from '../archive/archive.js';
import { putOnce } from '../archive/put-once.js';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { sha256Of } from '../base/sha256.js';
import { mapSettled } from '../operations/map-settled.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { DrillRecord } from '../schema/drill-record.js';
import { MAX_DRILL_RECORD_BYTES, readDrillRecord } from '../schema/parse-drill-record.js';

const DRILLS = 'drills/';
const DRILL_KEY = /^drills\/(\d{4})\/(\1\d{4}T\d{6}Z-[0-9a-f]{8})\.drill\.json$/;
/** A record may have megabytes: this many are held at once. */
const READS_AT_ONCE = 8;

export interface StoredEvidence {
  readonly record: DrillRecord;
  readonly key: string;
  /** SHA-256 of the stored bytes. */
  readonly sha256: string;
  /** Where it was put, as it is shown. */
  readonly archive: string;
}

/** One object of evidence: its record, or why there is none. */
export type ReadEvidence =
  | { readonly key: string; readonly drillId: string; readonly sha256: string; readonly record: DrillRecord }
  | { readonly key: string; readonly drillId: string; readonly sha256?: string; readonly fault: string };

export interface ReadEvidenceOptions extends CallOptions {
  /** The other way round: for who stops at what is found first. */
  readonly newestFirst?: boolean;
}

/** When an export was last proven, and by which drill. */
export interface ProvenExport {
  /** RFC 3339: when that drill began. */
  readonly at: string;
  readonly drillId: string;
  /** Partition path, and the archive that was drilled. */
  readonly path: string;
  readonly archive: string;
}

/**
 * Puts a record behind the newest one that is there. It is whole and durable when this returns.
 * @param record `previous` is set here; one that it has already is replaced.
 * @throws ARCHIVE_UNSUPPORTED, PERMISSION_DENIED, CREDENTIALS_INVALID, REMOTE_UNAVAILABLE, REMOTE_MISCONFIGURED,
 * DISK_FULL, OBJECT_EXISTS, INTERRUPTED: the caller keeps the record elsewhere.
 */
export async function writeEvidence(
  place: ArchivePlace,
  record: Omit<DrillRecord, 'previous'>,
  call: CallOptions = {},
): Promise<StoredEvidence> {
  const key = evidenceKey(record.drillId);
  const archive = await archiveAt(place, { mode: 'write' });
  try {
    if (!archive.remote.writable) throw onlyReads(archive.url);
    const whole: DrillRecord = { ...record, previous: await newestBefore(archive.remote, key, call) };
    const bytes = evidenceBytes(whole);
    await putOnce(archive.remote, key, bytes, call);
    await archive.remote.flush();
    return { record: whole, key, sha256: sha256Of(bytes), archive: archive.url };
  } finally {
    await archive.close();
  }
}

/** The bytes of a record as they are stored, and as a local copy has them. */
export function evidenceBytes(record: DrillRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
}

/** Throws INTERNAL for what is no drill id. */
export function evidenceKey(drillId: string): string {
  const key = `${DRILLS}${drillId.slice(0, 4)}/${drillId}.drill.json`;
  if (!DRILL_KEY.test(key)) throw new LakepackError('INTERNAL', `${JSON.stringify(drillId)}: is no drill id`);
  return key;
}

/**
 * Every record of an archive, oldest first. One that cannot be understood, or that vanished meanwhile, comes with its
 * fault; an archive that cannot be read throws as its remote does. An archive without evidence has none.
 */
export async function* readEvidence(
  archive: Archive,
  { newestFirst = false, ...call }: ReadEvidenceOptions = {},
): AsyncGenerator<ReadEvidence> {
  const keys = await evidenceKeys(archive.remote, call);
  if (newestFirst) keys.reverse();
  for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
    const some = keys.slice(at, at + READS_AT_ONCE);
    yield* await mapSettled(some, READS_AT_ONCE, (key) => readOne(archive.remote, key, call));
  }
}

/**
 * When each export was last proven, by export id. Records may come in any order.
 * @param evidence what `readEvidence` gave; what could not be read proves nothing.
 */
export function provenExports(evidence: Iterable<ReadEvidence>): ReadonlyMap<string, ProvenExport> {
  const proven = new Map<string, ProvenExport>();
  for (const one of evidence) if ('record' in one) addProven(proven, one.record);
  return proven;
}

/** Adds what one record proves. For who does not hold all records at once. */
export function addProven(proven: Map<string, ProvenExport>, record: DrillRecord): void {
  const { startedAt: at, drillId, archive } = record;
  for (const { exportId, path, proven: isProven } of record.exports) {
    const known = proven.get(exportId);
    if (isProven && (known === undefined || known.at < at)) proven.set(exportId, { at, drillId, path, archive });
  }
}

async function newestBefore(remote: Remote, own: string, call: CallOptions): Promise<DrillRecord['previous']> {
  const keys = await evidenceKeys(remote, call);
  const newest = keys.filter((key) => key !== own).at(-1);
  if (newest === undefined) return null;
  // Its bytes are named whatever they are: whether they make sense is a matter of history.
  return { drillId: drillIdOf(newest), sha256: sha256Of(await remote.read(newest, MAX_DRILL_RECORD_BYTES, call)) };
}

/** In byte order, which is the order of time. */
async function evidenceKeys(remote: Remote, call: CallOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of remote.list(DRILLS, call)) if (DRILL_KEY.test(key)) keys.push(key);
  return keys;
}

async function readOne(remote: Remote, key: string, call: CallOptions): Promise<ReadEvidence> {
  const drillId = drillIdOf(key);
  try {
    const bytes = await remote.read(key, MAX_DRILL_RECORD_BYTES, call);
    const sha256 = sha256Of(bytes);
    const reading = readDrillRecord(bytes, key);
    if (!reading.ok) return { key, drillId, sha256, fault: reading.fault };
    if (reading.record.drillId === drillId) return { key, drillId, sha256, record: reading.record };
    return {
      key,
      drillId,
      sha256,
      fault: `${key}: belongs elsewhere: expected ${drillId}, got ${reading.record.drillId}`,
    };
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND') && !isLakepackError(error, 'LIMIT_EXCEEDED')) throw error;
    return { key, drillId, fault: error.message };
  }
}

function drillIdOf(key: string): string {
  return DRILL_KEY.exec(key)?.[2] ?? '';
}

function onlyReads(url: string): LakepackError {
  return new LakepackError('ARCHIVE_UNSUPPORTED', `${url}: can only be read`, {
    hint: 'put the evidence elsewhere: --evidence ARCHIVE',
    retryable: false,
  });
}
