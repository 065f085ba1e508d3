/**
 * Reads dates, times, moments and intervals as PostgreSQL and DuckDB write them in their ISO forms, in the years before
 * Christ and beyond those that JavaScript's Date knows too. Each gives undefined for a text that is none.
 */

const US_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
const US_PER_DAY = SECONDS_PER_DAY * US_PER_SECOND;

const DATE = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/;
const TIME = /^(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
// DuckDB has BC after the date, PostgreSQL at the end.
const TIMESTAMP = /^(\d{4,7}-\d\d-\d\d)( BC)? (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:\+00)?( BC)?$/;

/** Days since 1970-01-01. */
export function parseDate(text: string): number | string | undefined {
  if (isInfinite(text)) return text;
  const [, year, month, day, christ] = DATE.exec(text) ?? [];
  if (year === undefined) return undefined;
  return daysOf(christ === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day));
}

/** Microseconds since midnight. */
export function parseTime(text: string): number | undefined {
  const [, hours, minutes, seconds, fraction = ''] = TIME.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * US_PER_SECOND + Number(fraction.padEnd(6, '0'));
}

/** Microseconds since the epoch; `infinity` and `-infinity` as they are. */
export function parseTimestamp(text: string): number | bigint | string | undefined {
  const micros = usualTimestamp(text);
  return micros ?? anyTimestamp(text);
}

const DATE_SIGNS = [4, 7] as const;
const TIME_SIGNS = [13, 16] as const;
const [ZERO, NINE, POINT] = [0x30, 0x39, 0x2e] as const;

/** `2024-05-01 00:00:00.123456`, as nearly all are: without a regular expression, in a quarter of its time. */
function usualTimestamp(text: string): number | undefined {
  if (text.length < 19 || text.length > 26 || text[10] !== ' ') return undefined;
  if (DATE_SIGNS.some((at) => text[at] !== '-') || TIME_SIGNS.some((at) => text[at] !== ':')) return undefined;
  if (text.length > 19 && (text.charCodeAt(19) !== POINT || text.length === 20)) return undefined;
  const date = daysOf(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const minutes = digits(text, 11, 13) * 60 + digits(text, 14, 16);
  const fraction = text.length === 19 ? 0 : digits(text, 20, text.length) * 10 ** (26 - text.length);
  const micros = date * US_PER_DAY + (minutes * 60 + digits(text, 17, 19)) * US_PER_SECOND + fraction;
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/** The number that the signs are; NaN where one of them is no digit. */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (!(code >= ZERO && code <= NINE)) return Number.NaN;
    number = number * 10 + code - ZERO;
  }
  return number;
}

function anyTimestamp(text: string): number | bigint | string | undefined {
  if (isInfinite(text)) return text;
  const [, date, early, time = '', late] = TIMESTAMP.exec(text) ?? [];
  const days = date === undefined ? undefined : parseDate(date + (early ?? late ?? ''));
  const sinceMidnight = parseTime(time);
  if (typeof days !== 'number' || sinceMidnight === undefined) return undefined;
  const micros = days * US_PER_DAY + sinceMidnight;
  return Number.isSafeInteger(micros) ? micros : BigInt(days) * BigInt(US_PER_DAY) + BigInt(sinceMidnight);
}

function isInfinite(text: string): boolean {
  return text === 'infinity' || text === '-infinity';
}

/** Of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const INTERVAL_PART = /^(-?\+?\d+) (year|mon|month|day)s?$/;

/** `[months, days, microseconds]`, of `1 year 2 mons -3 days -04:05:06.000007`. */
export function parseInterval(text: string): readonly (number | bigint)[] | undefined {
  const words = text.split(' ');
  let [months, days] = [0, 0];
  let micros: number | bigint = 0;
  for (let index = 0; index < words.length;) {
    const [, amount, unit] = INTERVAL_PART.exec(words.slice(index, index + 2).join(' ')) ?? [];
    if (amount === undefined) {
      const time = index === words.length - 1 ? parseSignedTime(words[index] ?? '') : undefined;
      if (time === undefined) return undefined;
      micros = time;
      break;
    }
    if (unit === 'day') days += Number(amount);
    else months += Number(amount) * (unit === 'year' ? 12 : 1);
    index += 2;
  }
  return [months, days, micros];
}

function parseSignedTime(text: string): number | bigint | undefined {
  const [, sign, time = ''] = /^([-+]?)(.*)$/.exec(text) ?? [];
  const [, hours = '', minutes, seconds, fraction = ''] = TIME.exec(time) ?? [];
  if (hours === '') return undefined;
  const whole = (BigInt(hours) * 60n + BigInt(minutes ?? 0)) * 60n + BigInt(seconds ?? 0);
  const micros = (whole * BigInt(US_PER_SECOND) + BigInt(fraction.padEnd(6, '0'))) * (sign === '-' ? -1n : 1n);
  return Number.isSafeInteger(Number(micros)) ? Number(micros) : micros;
}
