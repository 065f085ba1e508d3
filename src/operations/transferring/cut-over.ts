/** Compares two archives by their manifests after a migration: what is in one, in the other, in both, and different. */
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { mapSettled } from '../map-settled.js';
import type { CutOver, ExportNames } from './contract.js';
import { manifestSha256, type Look } from './look.js';

const NAMES_SHOWN = 100;
const READS_AT_ONCE = 16;

/** Lists both sides anew. Throws what remotes throw. @param to undefined where there is no target yet. */
export async function cutOver(
  from: Archive,
  to: Archive | undefined,
  look: Look,
  signal: AbortSignal,
): Promise<CutOver> {
  const source = await refsOf(from, signal);
  const target = to === undefined ? new Map<string, ExportRef>() : await refsOf(to, signal);
  const known = new Map(look.source.map((one) => [one.ref.manifestKey, one.manifestSha256]));
  const both = [...source.values()].filter((ref) => target.has(ref.manifestKey));
  const same = await mapSettled(both, READS_AT_ONCE, async (ref) => {
    if (to === undefined) return false;
    const ours = known.get(ref.manifestKey) ?? (await manifestSha256(from, ref.manifestKey, signal));
    return ours === (await manifestSha256(to, ref.manifestKey, signal));
  });
  return {
    onlyInSource: names([...source.values()].filter((ref) => !target.has(ref.manifestKey))),
    onlyInTarget: names([...target.values()].filter((ref) => !source.has(ref.manifestKey))),
    equal: names(both.filter((_, index) => same[index] === true)),
    different: names(both.filter((_, index) => same[index] !== true)),
  };
}

async function refsOf(archive: Archive, signal: AbortSignal): Promise<Map<string, ExportRef>> {
  const refs = new Map<string, ExportRef>();
  for await (const ref of archive.list({ signal })) refs.set(ref.manifestKey, ref);
  return refs;
}

function names(refs: readonly ExportRef[]): ExportNames {
  return { count: refs.length, names: refs.slice(0, NAMES_SHOWN).map((ref) => `${ref.path}/${ref.exportId}`) };
}
