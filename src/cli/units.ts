/** Sizes, shares and numbers as people type them, and as they like to read them. Bytes are shown in binary units. */
import { parseByteSize } from '../base/byte-size.js';
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';

/** `500MB`, `4GiB`, `1.5g`, `1048576` in bytes. Throws USAGE. `subject` is the flag. */
export function parseSizeBytes(text: string, subject: string): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  throw notA('a size', text, subject, 'a number and a unit, such as 500MB (decimal) or 4GiB (binary)');
}

/** `5%` as 0.05. The sign is required, because `--sample 1` could mean all or a hundredth. Throws USAGE. */
export function parsePercent(text: string, subject: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  const share = Number(match?.[1]) / 100;
  if (share > 0 && share <= 1) return share;
  throw notA('a share', text, subject, 'a percentage over 0% and up to 100%, such as 5%');
}

/** A whole number from 0. Its bounds are the operation's matter. Throws USAGE. */
export function parseWhole(text: string, subject: string): number {
  const number = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw notA('a whole number', text, subject, 'digits only');
}

function notA(what: string, text: string, subject: string, expected: string): LakepackError {
  return new LakepackError('USAGE', `${subject}: not ${what}: expected ${expected}, got ${showPath(text)}`);
}

/** `0 B`, `812 B`, `4.2 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${formatCount(Math.round(bytes))} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  // 1023.95 KiB and more would be rounded to 1024.0, which reads better as 1.0 of the next unit.
  const power = Math.min(units.length, Math.floor(Math.log2(bytes / 1023.95) / 10) + 1);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] ?? ''}`;
}

/** `24,922`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `24,922 files`. */
export function formatCounted(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** `26 %`; `<1 %` is never shown as nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  return percent > 0 && percent < 1 ? '<1 %' : `${Math.round(percent)} %`;
}

/** `80 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** `2025-10-11 08:00:05Z` from RFC 3339. */
export function formatTime(rfc3339: string): string {
  return rfc3339.replace('T', ' ').replace(/\.\d+(?=Z|[+-])/, '');
}
