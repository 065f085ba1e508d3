/** Copies the evidence of drills, byte for byte: small objects that never change. It stays in the source as well. */
import type { Archive } from '../../archive/archive.js';
import { isLakepackError } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { MAX_MANIFEST_BYTES } from '../../base/limits.js';
import type { CallOptions, Remote } from '../../remote/remote.js';
import { mapSettled } from '../map-settled.js';
import { isOfOneExport } from './failures.js';

const DRILLS = 'drills/';
const AT_ONCE = 4;

/** What could not be copied, or differs. Throws what ends a transfer. */
export async function copyDrills(from: Archive, to: Archive, signal: AbortSignal): Promise<readonly Finding[]> {
  const keys: string[] = [];
  for await (const { key } of from.remote.list(DRILLS, { signal })) keys.push(key);
  if (keys.length === 0) return [];
  const findings = await mapSettled(keys, AT_ONCE, (key) => copyOne(from.remote, to.remote, key, { signal }));
  await to.remote.flush();
  return findings.flat();
}

async function copyOne(from: Remote, to: Remote, key: string, call: CallOptions): Promise<readonly Finding[]> {
  try {
    const bytes = await from.read(key, MAX_MANIFEST_BYTES, call);
    const isNew = await putNew(to, key, bytes, call);
    if (isNew && !to.isDistant) return [];
    const found = await to.read(key, Math.max(1, bytes.length), call);
    if (found.equals(bytes)) return [];
  } catch (error) {
    if (!isOfOneExport(error)) throw error;
    return [failed(key, `${error.message} (${error.code})`)];
  }
  return [failed(key, `${key}: the target has other bytes under this name; it was left alone`)];
}

async function putNew(to: Remote, key: string, bytes: Buffer, call: CallOptions): Promise<boolean> {
  try {
    await to.put(key, bytes, call);
    return true;
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    return false;
  }
}

function failed(key: string, message: string): Finding {
  return finding('TRANSFER_FAILED', message, { path: key }, { repair: 'compare the two by hand; they are JSON' });
}
