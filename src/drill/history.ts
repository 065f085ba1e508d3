/**
 * The drills of an archive, and whether their evidence is whole: each record must be readable, and what it says of the
 * one before it must be true. A record that was changed, or taken out of the middle, is named. The newest one that is
 * taken away is not noticed by this chain: nothing names it yet.
 */
import { archiveAt, type ArchivePlace } from '../archive/archive.js';
import { finding, type Finding } from '../base/findings.js';
import type { DrillOutcome, DrillReasonCode, DrillRecord } from '../schema/drill-record.js';
import { readEvidence, type ReadEvidence } from './evidence.js';

export interface HistoryOptions {
  /** Where the evidence is. */
  readonly from: ArchivePlace;
  readonly signal?: AbortSignal;
}

export interface DrillHistoryRow {
  readonly drillId: string;
  readonly key: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly outcome: DrillOutcome;
  readonly reasons: readonly DrillReasonCode[];
  /** The archive that was drilled, as that drill showed it. */
  readonly archive: string;
  readonly exports: number;
  readonly proven: number;
  readonly exportsLeft: number;
  readonly stores: readonly string[];
  readonly rtoMs: number;
  readonly rpoMs?: number;
  readonly bytes: number;
  /** Of the stored bytes. */
  readonly sha256: string;
  readonly previous?: string;
}

export interface DrillHistory {
  readonly archive: string;
  /** Oldest first. */
  readonly drills: readonly DrillHistoryRow[];
  /** Drills that name the same one before them: they ran at the same time. */
  readonly forks: readonly { readonly previous: string; readonly drills: readonly string[] }[];
  /** EVIDENCE_BROKEN, each with the record it is about. */
  readonly findings: readonly Finding[];
}

interface Link {
  readonly key: string;
  readonly drillId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly previous: DrillRecord['previous'];
}

/** @throws NOT_FOUND, ARCHIVE_UNSUPPORTED, REMOTE_UNAVAILABLE, CREDENTIALS_INVALID, PERMISSION_DENIED, INTERRUPTED. */
export async function history(options: HistoryOptions): Promise<DrillHistory> {
  const archive = await archiveAt(options.from, { mode: 'read' });
  try {
    const drills: DrillHistoryRow[] = [];
    const chain = new Chain();
    for await (const one of readEvidence(archive, options.signal === undefined ? {} : { signal: options.signal })) {
      chain.add(one);
      if ('record' in one) drills.push(rowOf(one.key, one.sha256, one.record));
    }
    return { archive: archive.url, drills, forks: chain.forks(), findings: chain.findings() };
  } finally {
    await archive.close();
  }
}

/** What is remembered of each record; records may be large, and are not kept. */
class Chain {
  readonly #sha256 = new Map<string, string | undefined>();
  readonly #links: Link[] = [];
  readonly #unreadable: Finding[] = [];

  add(one: ReadEvidence): void {
    this.#sha256.set(one.drillId, one.sha256);
    if ('record' in one) {
      const { startedAt, finishedAt, previous } = one.record;
      this.#links.push({ key: one.key, drillId: one.drillId, startedAt, finishedAt, previous });
      return;
    }
    this.#unreadable.push(
      finding(
        'EVIDENCE_BROKEN',
        `the record of drill ${one.drillId} cannot be read`,
        { path: one.key },
        {
          found: one.fault,
          repair: 'take this object from another copy of the archive',
        },
      ),
    );
  }

  findings(): readonly Finding[] {
    return [...this.#unreadable, ...this.#links.flatMap((link) => this.#faultsOf(link))];
  }

  forks(): DrillHistory['forks'] {
    const followers = new Map<string, string[]>();
    for (const { drillId, previous } of this.#links) {
      if (previous === null) continue;
      followers.set(previous.drillId, [...(followers.get(previous.drillId) ?? []), drillId]);
    }
    const several = [...followers].filter(([, drills]) => drills.length > 1);
    return several.map(([previous, drills]) => ({ previous, drills }));
  }

  #faultsOf({ key, drillId, startedAt, previous }: Link): readonly Finding[] {
    if (previous === null) return this.#hasBeenPreceded(startedAt) ? [secondBeginning(key, drillId)] : [];
    if (!this.#sha256.has(previous.drillId)) return [missing(key, drillId, previous)];
    const found = this.#sha256.get(previous.drillId);
    return found === previous.sha256 ? [] : [changed(key, drillId, previous, found)];
  }

  /** Only a drill that began before any other had ended may be a first one. */
  #hasBeenPreceded(startedAt: string): boolean {
    return this.#links.some((other) => Date.parse(other.finishedAt) < Date.parse(startedAt));
  }
}

type Previous = NonNullable<DrillRecord['previous']>;

function missing(key: string, drillId: string, { drillId: gone, sha256 }: Previous): Finding {
  return finding(
    'EVIDENCE_BROKEN',
    `the record of drill ${gone} is missing: drill ${drillId} names it`,
    { path: key },
    {
      expected: sha256,
      found: 'no record',
      repair: `look for drills/${gone.slice(0, 4)}/${gone}.drill.json in another copy of the archive`,
    },
  );
}

function changed(key: string, drillId: string, previous: Previous, found: string | undefined): Finding {
  const message = `the record of drill ${previous.drillId} is not the one that drill ${drillId} saw`;
  return finding(
    'EVIDENCE_BROKEN',
    message,
    { path: key },
    {
      expected: previous.sha256,
      ...(found !== undefined && { found }),
      repair: 'one of the two was changed: compare both with another copy of the archive',
    },
  );
}

function secondBeginning(key: string, drillId: string): Finding {
  return finding(
    'EVIDENCE_BROKEN',
    `drill ${drillId} names no record before it, and there were some`,
    { path: key },
    {
      expected: 'the record before it',
      found: 'none',
      repair: 'compare the evidence with another copy of the archive',
    },
  );
}

function rowOf(key: string, sha256: string, record: DrillRecord): DrillHistoryRow {
  const { drillId, startedAt, elapsedMs, outcome, archive, exports, exportsLeft, rtoMs, rpoMs, previous } = record;
  return {
    ...{ drillId, key, startedAt, elapsedMs, outcome, archive, exportsLeft, rtoMs, sha256 },
    reasons: [...new Set(record.reasons.map((reason) => reason.code))],
    exports: exports.length,
    proven: exports.filter((one) => one.proven).length,
    stores: record.stores.map((store) => store.name),
    ...(rpoMs !== undefined && { rpoMs }),
    bytes: record.totals.bytes,
    ...(previous !== null && { previous: previous.drillId }),
  };
}
