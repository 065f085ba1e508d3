/** The last thing a drill does: its evidence. One that cannot be stored changes nothing of what was found. */
import { type ArchivePlace, showPlace } from '../archive/archive.js';
import { finding, type Finding } from '../base/findings.js';
import type { DrillRecord } from '../schema/drill-record.js';
import type { DrillReport } from './contract.js';
import { writeEvidence } from './evidence.js';
import { TEAR_DOWN_MS } from './tear-down.js';

/** @param place undefined: nowhere. A drill that was interrupted still leaves its evidence, within a minute. */
export async function leaveEvidence(
  record: Omit<DrillRecord, 'previous'>,
  place: ArchivePlace | undefined,
  findings: readonly Finding[],
): Promise<DrillReport> {
  const unstored = { record: { ...record, previous: null }, findings };
  if (place === undefined) return unstored;
  try {
    const stored = await writeEvidence(place, record, { signal: AbortSignal.timeout(TEAR_DOWN_MS) });
    return { record: stored.record, evidenceKey: stored.key, evidenceIn: stored.archive, findings };
  } catch (error) {
    return { ...unstored, findings: [...findings, notStored(place, error)] };
  }
}

function notStored(place: ArchivePlace, error: unknown): Finding {
  const why = error instanceof Error ? error.message : String(error);
  return finding(
    'EVIDENCE_NOT_STORED',
    `${showPlace(place)}: the evidence could not be stored: ${why}`,
    {},
    {
      repair: 'keep the record of this report; or give a place that can be written to with --evidence',
    },
  );
}
