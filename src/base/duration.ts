/**
 * Points in time as people write them: a date, an RFC 3339 time, or an age. It answers for one meaning of each,
 * everywhere: UTC, and no guessing.
 */
import { LakepackError } from './errors.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNIT_MS: Readonly<Record<string, number>> = { m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/;
const AGE = /^(\d{1,9})([mhdw])$/;
const EXAMPLES = 'write it like 2025-01-01, 2025-01-01T08:00:00Z, or an age: 30m, 36h, 7d, 2w';

/**
 * The instant `text` means: a date is its first moment in UTC, an age is counted back from `now`.
 * @throws SELECTOR_INVALID.
 */
export function parseInstant(text: string, now: Date): Date {
  const instant = dateOf(text) ?? timeOf(text) ?? ageOf(text, now);
  if (instant === undefined) throw notAnInstant(text);
  return instant;
}

/**
 * The first instant that lies after the point in time `text` names, for `made < parseAsOf(…)`: a date includes its
 * whole day, anything else the very millisecond. @throws SELECTOR_INVALID.
 */
export function parseAsOf(text: string, now: Date): Date {
  const date = dateOf(text);
  return date === undefined ? new Date(parseInstant(text, now).getTime() + 1) : endOfDay(date);
}

/** The midnight (UTC) that ends the day of `instant`: an exclusive upper bound. */
export function endOfDay(instant: Date): Date {
  return new Date((Math.floor(instant.getTime() / DAY_MS) + 1) * DAY_MS);
}

function dateOf(text: string): Date | undefined {
  if (!DATE.test(text)) return undefined;
  const midnight = new Date(`${text}T00:00:00Z`);
  // Date reads February 30 as March 2; we do not.
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
  return exists ? midnight : undefined;
}

function timeOf(text: string): Date | undefined {
  const [, date = '', hours = '', minutes = '', seconds = '', fraction = '', zone = ''] = TIME.exec(text) ?? [];
  const midnight = dateOf(date);
  const offsetMs = offsetOf(zone);
  if (midnight === undefined || offsetMs === undefined) return undefined;
  // RFC 3339 5.6: a leap second is written :60; it counts as the second after.
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return undefined;
  const ofDayMs = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * SECOND_MS;
  return new Date(midnight.getTime() + ofDayMs + Number(fraction.slice(0, 3).padEnd(3, '0')) - offsetMs);
}

function offsetOf(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (zone === '' || hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

function ageOf(text: string, now: Date): Date | undefined {
  const [, count = '', unit = ''] = AGE.exec(text) ?? [];
  const instant = new Date(now.getTime() - Number(count) * (UNIT_MS[unit] ?? Number.NaN));
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

function notAnInstant(text: string): LakepackError {
  const shown = JSON.stringify(text);
  const isLocal = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}/.test(text) && !/(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const fault = isLocal ? 'is a time without a time zone' : 'is not a point in time';
  return new LakepackError('SELECTOR_INVALID', `${shown}: ${fault}`, { hint: EXAMPLES });
}
