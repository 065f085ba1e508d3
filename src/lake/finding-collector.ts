/**
 * Collects findings in bounded memory: of each code so many are kept one by one, the rest are counted. A lake of ten
 * million case twins must not need ten million findings.
 */
import { finding, type Finding, type FindingCode, type Severity } from '../base/findings.js';

/** Findings of one code and severity that are kept one by one. */
export const MAX_FINDINGS_PER_CODE = 1_000;

export class FindingCollector {
  readonly #kept: Finding[] = [];
  readonly #counts = new Map<string, { readonly last: Finding; count: number }>();

  add(found: Finding): void {
    const key = `${found.severity} ${found.code}`;
    const counter = this.#counts.get(key) ?? { last: found, count: 0 };
    this.#counts.set(key, counter);
    if (++counter.count <= MAX_FINDINGS_PER_CODE) this.#kept.push(found);
  }

  /** In the order they came; for each code with more than are kept, one more that says how many. */
  toFindings(): readonly Finding[] {
    const over = [...this.#counts.values()].filter(({ count }) => count > MAX_FINDINGS_PER_CODE);
    return [
      ...this.#kept,
      ...over.map(({ last, count }) => moreOf(last.code, last.severity, count - MAX_FINDINGS_PER_CODE)),
    ];
  }
}

function moreOf(code: FindingCode, severity: Severity, count: number): Finding {
  return finding(code, `${count} more of this kind were found`, {}, { severity });
}
