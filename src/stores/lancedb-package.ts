/** Loads LanceDB, an optional package, and says what its errors mean. */
import type * as LanceModule from '@lancedb/lancedb';
import { createRequire } from 'node:module';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import type { Arrow } from './lancedb-types.js';

export type Lance = typeof LanceModule;

export interface LancePackage {
  readonly lance: Lance;
  readonly arrow: Arrow;
}

const INSTALL_HINT = 'npm install @lancedb/lancedb@0.37 apache-arrow@18.1.0';

/** Throws STORE_NOT_INSTALLED. @param load for tests. */
export async function loadLance(load: () => Promise<LancePackage> = requireLance): Promise<LancePackage> {
  try {
    return await load();
  } catch (cause) {
    throw new LakepackError('STORE_NOT_INSTALLED', `lancedb: its packages cannot be loaded: ${reasonOf(cause)}`, {
      cause,
      hint: INSTALL_HINT,
    });
  }
}

/** By `require`, as LanceDB itself loads apache-arrow: `import` would give another copy, whose classes are not the same. */
async function requireLance(): Promise<LancePackage> {
  const require = createRequire(import.meta.url);
  const lance = require('@lancedb/lancedb') as Lance;
  return { lance, arrow: require('apache-arrow') as Arrow };
}

function reasonOf(error: unknown): string {
  if (systemErrorCode(error) === 'MODULE_NOT_FOUND') return 'they are not installed';
  return error instanceof Error ? firstLine(error.message) : String(error);
}

/** Runs one step of the engine. @param subject table, or folder; @param code where the engine just says no. */
export async function onLance<T>(
  subject: string,
  code: 'STORE_REFUSED' | 'STORE_UNAVAILABLE',
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw fromLanceError(subject, code, error);
  }
}

/** The engine has no codes: what the system said is in its text. */
export function fromLanceError(
  subject: string,
  code: 'STORE_REFUSED' | 'STORE_UNAVAILABLE',
  error: unknown,
): LakepackError {
  if (error instanceof LakepackError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/no space left on device|disk quota exceeded|os error (28|122)\b/i.test(text)) {
    return new LakepackError('DISK_FULL', `${subject}: no space is left on the disk`, {
      cause: error,
      hint: 'free some space and run the same command again',
    });
  }
  const isSystems = /os error \d+|LanceError\(IO\)|permission denied/i.test(text);
  const told = isSystems ? 'STORE_UNAVAILABLE' : code;
  return new LakepackError(told, `${subject}: lancedb: ${firstLine(text)}`, {
    cause: error,
    ...(told === 'STORE_UNAVAILABLE' && { retryable: true, hint: 'check the disk and who may write there' }),
  });
}

export function tellsTableMissing(error: unknown): boolean {
  return error instanceof Error && /^Table '.*' was not found/.test(error.message);
}

/** Its messages go on for pages, with places in its own source. */
function firstLine(text: string): string {
  const line = text.split('\n')[0]?.replace(/, \/\S+\.rs:\d+.*$/, '') ?? '';
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
