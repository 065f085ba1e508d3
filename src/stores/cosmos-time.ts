/**
 * Dates and times as the text that Cosmos items hold: ISO 8601, with always the same number of digits, so that text
 * order is time order. Exact to the nanosecond and over the whole range of the engine that the rows come from, which
 * is beyond what `Date` knows. Pure.
 */

const DAY_SECONDS = 86_400n;
const DAYS_IN_400_YEARS = 146_097;
/** From 0000-03-01, where the count of leap years begins anew, to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468;

const DATE = /^(\d{4}|[+-]\d{6,})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2}):(\d{2})\.(\d{6}|\d{9})$/;

const INFINITE: ReadonlySet<unknown> = new Set(['infinity', '-infinity']);

export type TimeUnit = 'us' | 'ns';

/** Days since 1970-01-01 as `2024-05-01`; a year outside 0 to 9999 has a sign and at least six digits. */
export function dateText(days: number | string): string {
  if (typeof days === 'string') return days;
  const { year, month, day } = civilOf(days);
  const digits = String(Math.abs(year)).padStart(4, '0');
  const years = year >= 0 && year <= 9999 ? digits : `${year < 0 ? '-' : '+'}${digits.padStart(6, '0')}`;
  return `${years}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** Undefined: not a date as `dateText` writes it. */
export function daysOf(text: string): number | string | undefined {
  if (INFINITE.has(text)) return text;
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  if (year === '') return undefined;
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  return dateText(days) === text ? days : undefined;
}

/** Microseconds since midnight as `13:05:00.000001`; the end of a day is `24:00:00.000000`. */
export function timeText(microseconds: number | bigint): string {
  return clockText(BigInt(microseconds), 'us');
}

export function microsecondsOf(text: string): number | undefined {
  const ticks = ticksOf(text, 'us');
  return ticks === undefined ? undefined : Number(ticks);
}

/** Units since the epoch as `2024-05-01T13:05:00.000001`, with `Z` where the type has a zone. */
export function timestampText(value: number | bigint | string, unit: TimeUnit, hasZone: boolean): string {
  if (typeof value === 'string') return value;
  const ticks = BigInt(value);
  const ticksADay = DAY_SECONDS * ticksASecond(unit);
  const ofDay = ((ticks % ticksADay) + ticksADay) % ticksADay;
  const days = Number((ticks - ofDay) / ticksADay);
  return `${dateText(days)}T${clockText(ofDay, unit)}${hasZone ? 'Z' : ''}`;
}

/** A number where it is safe, else a bigint; `infinity` and `-infinity` as they are. */
export function timestampOf(text: string, unit: TimeUnit, hasZone: boolean): number | bigint | string | undefined {
  if (INFINITE.has(text)) return text;
  if (text.endsWith('Z') !== hasZone) return undefined;
  const [date = '', clock = '', ...more] = text.slice(0, hasZone ? -1 : undefined).split('T');
  const [days, ofDay] = [daysOf(date), ticksOf(clock, unit)];
  if (typeof days !== 'number' || ofDay === undefined || more.length > 0) return undefined;
  const ticks = BigInt(days) * DAY_SECONDS * ticksASecond(unit) + ofDay;
  // `24:00:00` is a time of day, but not a time in a date.
  return timestampText(ticks, unit, hasZone) === text ? numberWhereSafe(ticks) : undefined;
}

export function numberWhereSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function clockText(ticks: bigint, unit: TimeUnit): string {
  const seconds = Number(ticks / ticksASecond(unit));
  const fraction = String(ticks % ticksASecond(unit)).padStart(unit === 'us' ? 6 : 9, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(seconds % 60)}.${fraction}`;
}

function ticksOf(text: string, unit: TimeUnit): bigint | undefined {
  const [, hours = '', minutes = '', seconds = '', fraction = ''] = TIME.exec(text) ?? [];
  if (fraction === '') return undefined;
  const ofDay = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  const ticks = BigInt(ofDay) * ticksASecond(unit) + BigInt(fraction);
  return ofDay <= Number(DAY_SECONDS) && clockText(ticks, unit) === text ? ticks : undefined;
}

function ticksASecond(unit: TimeUnit): bigint {
  return unit === 'us' ? 1_000_000n : 1_000_000_000n;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * The civil calendar as Howard Hinnant describes it (chrono-compatible low-level date algorithms): years begin in
 * March, so that a leap day is the last of its year and months have lengths in a steady pattern.
 */
function civilOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + DAYS_TO_EPOCH;
  const era = Math.floor(shifted / DAYS_IN_400_YEARS);
  const ofEra = shifted - era * DAYS_IN_400_YEARS;
  const leapDays = Math.floor(ofEra / 1_460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const yearOfEra = Math.floor((ofEra - leapDays) / 365);
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const day = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function daysFromCivil(year: number, month: number, day: number): number {
  const fromMarch = month <= 2 ? year - 1 : year;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const ofEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + ofYear;
  return era * DAYS_IN_400_YEARS + ofEra - DAYS_TO_EPOCH;
}
