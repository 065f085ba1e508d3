/**
 * Names of what an unfinished work leaves in a folder, files of an archive (docs/decisions/0041) and scratch folders, and
 * who owns one. It answers for never mistaking a temporary for an object, and never a live one for a dead one.
 */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { getPriority, hostname } from 'node:os';
import { systemErrorCode } from './errors.js';
import { sha256Of } from './sha256.js';

/** `.<name>.<machine>-<process id>-<random>.partial`; the process is 0 where it cannot be known. */
export const TEMPORARY_NAME = /^\..*\.([0-9a-f]{8}-\d{1,10}-[0-9a-f]{12})\.partial$/s;
const TEMPORARY_ID = /^([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{12}$/;

/** What of the object's name the temporary keeps, so that both fit into the 255 bytes of a name. */
export const KEPT_NAME_BYTES = 200;
/** What nobody here can know the writer of, and nobody touched for this long, is taken for abandoned. */
const UNKNOWN_GRACE_MS = 24 * 60 * 60 * 1_000;

const thisMachine = machineTag();
const thisPid = processId();

export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

export function temporaryName(objectName: string, id: string = newTemporaryId()): string {
  return `.${cutName(objectName)}.${id}.partial`;
}

/** Who writes it, and a random number. */
export function newTemporaryId(): string {
  return `${thisMachine}-${thisPid}-${randomBytes(6).toString('hex')}`;
}

/** The id in the name of a temporary. */
export function temporaryId(name: string): string | undefined {
  return TEMPORARY_NAME.exec(name)?.[1];
}

/**
 * True when nobody is writing the temporary with this id any more. On this machine the process must be gone; where that
 * cannot be known (another machine, another container, no process id) it must have rested for a day. A process id that
 * is in use again keeps a dead one for a while: that costs space, never data.
 */
export function isAbandoned(id: string, modifiedMs: number, nowMs: number, isOurs: boolean): boolean {
  const [, machine, pidText] = TEMPORARY_ID.exec(id) ?? [];
  if (machine === undefined) return false;
  const pid = Number(pidText);
  if (machine !== thisMachine || pid === 0) return !isOurs && nowMs - modifiedMs > UNKNOWN_GRACE_MS;
  // Our own id, and older than we are: an earlier process had the same id (in a container, often 1).
  if (pid === thisPid) return !isOurs && modifiedMs < performance.timeOrigin;
  return !isAlive(pid);
}

/** Asks for the scheduling priority: that needs no permission, sends no signal, and fails for what is not there. */
function isAlive(pid: number): boolean {
  try {
    getPriority(pid);
    return true;
  } catch (error) {
    return infoCode(error) !== 'ESRCH';
  }
}

/** `os` functions wrap the system error: its code is in `info`. */
function infoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('info' in error)) return systemErrorCode(error);
  const { info } = error;
  if (typeof info !== 'object' || info === null || !('code' in info)) return undefined;
  return typeof info.code === 'string' ? info.code : undefined;
}

/** Two containers may share a host name and see different processes: the namespace of process ids tells them apart. */
function machineTag(): string {
  const namespace = readProcLink('/proc/self/ns/pid') ?? '';
  return sha256Of(`${hostname()}\n${namespace}`).slice(0, 8);
}

/** Below `cli/` nothing uses `process`, and Linux tells it as well; elsewhere it stays unknown. */
function processId(): number {
  const pid = Number(readProcLink('/proc/self'));
  return Number.isSafeInteger(pid) && pid > 0 ? pid : 0;
}

function readProcLink(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    // Only Linux has this: the host name alone is the machine then, and the process is unknown.
    return undefined;
  }
}

function cutName(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= KEPT_NAME_BYTES) return name;
  let end = KEPT_NAME_BYTES;
  // Not inside a character: its continuation bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
