/**
 * The one place that reads the evidence of a drill: bounded, the version first, then the shape (all faults). What the
 * record says was done is not proven by reading it; `drill/history.ts` looks at the chain.
 */
import { MIB } from '../base/limits.js';
import { DRILL_VERSION, type DrillRecord } from './drill-record.js';
import { readJsonText } from './json-text.js';
import { faultText, type ManifestFault, MAX_LISTED_FAULTS, showValue } from './manifest-fault.js';
import { schemaFaults } from './validator.js';

/** Room for some fifty thousand exports; larger evidence is not read. */
export const MAX_DRILL_RECORD_BYTES = 16 * MIB;

export type DrillRecordReading =
  { readonly ok: true; readonly record: DrillRecord } | { readonly ok: false; readonly fault: string };

/**
 * Reads a drill record; unknown fields are kept. Does not throw: what is wrong is one text, safe to print.
 * @param subject the object's name, which begins that text.
 */
export function readDrillRecord(bytes: Buffer, subject: string): DrillRecordReading {
  const reading = readJsonText(bytes, MAX_DRILL_RECORD_BYTES);
  if (!reading.ok) return failed(subject, [reading.fault]);
  const version = versionFault(reading.value);
  if (version !== undefined) return failed(subject, [version]);
  const faults = schemaFaults('drill.v1', reading.value);
  return faults.length > 0 ? failed(subject, faults) : { ok: true, record: reading.value as DrillRecord };
}

function versionFault(value: unknown): ManifestFault | undefined {
  const version = (value as { readonly drillVersion?: unknown } | null)?.drillVersion;
  if (typeof version !== 'number' || version <= DRILL_VERSION) return undefined;
  const message = `was written by a newer lakepack: expected at most version ${DRILL_VERSION}, got ${showValue(version)}`;
  return { path: '/drillVersion', message };
}

function failed(subject: string, faults: readonly ManifestFault[]): DrillRecordReading {
  const list = { faults: faults.slice(0, MAX_LISTED_FAULTS), count: faults.length };
  return { ok: false, fault: faultText(subject, list) };
}
