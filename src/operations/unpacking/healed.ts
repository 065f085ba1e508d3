/** What an archive took from its fallbacks, as findings and sums of a report. Pure. */
import type { Healed } from '../../archive/contract.js';
import { finding, type Finding } from '../../base/findings.js';
import { healedFinding } from '../transferring/healed.js';
import type { HealedSum } from './contract.js';

/** A remote that is gone altogether heals every block of an archive; beyond this they are counted. */
const MAX_FINDINGS = 1_000;

export function healedReport(all: readonly Healed[]): {
  readonly findings: readonly Finding[];
  readonly healed: readonly HealedSum[];
} {
  const findings = all.slice(0, MAX_FINDINGS).map(healedFinding);
  const healed = sumsOf(all);
  const rest = all.length - findings.length;
  return { findings: rest === 0 ? findings : [...findings, restFinding(rest)], healed };
}

function restFinding(count: number): Finding {
  return finding('HEALED', `and ${count} blocks and objects more were taken from a fallback`, {});
}

function sumsOf(all: readonly Healed[]): HealedSum[] {
  const sums = new Map<string, { from: string; by: string; blocks: number; objects: number }>();
  for (const { from, by, block } of all) {
    const name = JSON.stringify([from, by]);
    const sum = sums.get(name) ?? { from, by, blocks: 0, objects: 0 };
    if (block === undefined) sum.objects += 1;
    else sum.blocks += 1;
    sums.set(name, sum);
  }
  return [...sums.values()];
}
