/** Reads the text of a configuration file: bounded, a file, UTF-8. What it says is for others. */
import { open } from 'node:fs/promises';
import { LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';

const MAX_CONFIG_BYTES = 1 * MIB;

/** Undefined when there is none. `subject` is the file, as a reader knows it. @throws CONFIG_INVALID, PERMISSION_DENIED. */
export async function readConfigText(file: string, subject: string): Promise<string | undefined> {
  const bytes = await onDisk(subject, () => unlessAbsent(() => readBounded(file, subject)));
  return bytes === undefined ? undefined : decode(bytes, subject);
}

async function readBounded(file: string, subject: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw invalid(subject, 'is not a file');
    if (found.size > MAX_CONFIG_BYTES) {
      throw invalid(subject, `is too large: expected at most ${MAX_CONFIG_BYTES} bytes, got ${found.size}`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function decode(bytes: Buffer, subject: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new LakepackError('CONFIG_INVALID', `${subject}: is not UTF-8`, { cause: error });
  }
}

function invalid(subject: string, fault: string): LakepackError {
  return new LakepackError('CONFIG_INVALID', `${subject}: ${fault}`);
}
