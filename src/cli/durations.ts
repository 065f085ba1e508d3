/** Lengths of time as people type them: `90s`, `30m`, `24h`, `7d`, `2w`. */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** In milliseconds; `0` needs no unit. Throws USAGE. `subject` is the flag. */
export function parseDurationMs(text: string, subject: string): number {
  if (text.trim() === '0') return 0;
  const [, count = '', unit = ''] = /^(\d{1,7})([smhdw])$/.exec(text.trim()) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (!Number.isNaN(ms)) return ms;
  const expected = 'a number and a unit, such as 30m, 24h or 7d';
  throw new LakepackError('USAGE', `${subject}: not a length of time: expected ${expected}, got ${showPath(text)}`);
}
