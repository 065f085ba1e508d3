/**
 * PAX extended header records (POSIX.1-2001 pax, "pax Extended Header"): `<length> <key>=<value>\n`. It answers for
 * the records being well formed and for the few keys that change what an entry is; all others are passed over.
 */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { decodeUtf8 } from './tar-block.js';

/** What the records say about an entry. An empty value takes a record back, so it is absent here. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkpath?: string;
  readonly bytes?: number;
  /** Whole seconds since 1970-01-01T00:00:00Z; fractions are cut towards the past. */
  readonly mtime?: number;
  /** True where a `GNU.sparse.` record says that the stored bytes are not the file's bytes. */
  readonly sparse?: true;
}

type PaxKey = 'path' | 'linkpath' | 'size' | 'mtime';

/** Encodes records in the order given; the length in front counts itself. */
export function encodePaxRecords(records: readonly (readonly [PaxKey, string])[]): Buffer {
  return Buffer.from(records.map(([key, value]) => paxRecord(` ${key}=${value}\n`)).join(''));
}

function paxRecord(rest: string): string {
  const restBytes = Buffer.byteLength(rest);
  const guess = restBytes + String(restBytes).length;
  // The digits of the length count too, and may carry it over the next power of ten.
  return `${restBytes + String(guess).length}${rest}`;
}

/**
 * Parses the body of an `x` or `g` header. Of a key given twice the last counts. Throws TAR_INVALID for a length,
 * newline or `=` that is missing or wrong, a NUL or bad UTF-8 in a path, and a size or time that is no number.
 */
export function parsePaxRecords(body: Buffer, where: string): PaxRecords {
  const records: Draft = {};
  for (let at = 0; at < body.length;) {
    const end = recordEnd(body, at, where);
    const space = body.indexOf(0x20, at);
    const equals = body.indexOf(0x3d, space);
    if (equals === -1 || equals >= end || equals === space + 1) throw badRecord(where, at, 'a key and "="');
    setRecord(records, body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1), where);
    at = end;
  }
  return records;
}

type Draft = { -readonly [K in keyof PaxRecords]: PaxRecords[K] };

function recordEnd(body: Buffer, at: number, where: string): number {
  const length = /^([1-9][0-9]{0,8}) /.exec(body.toString('latin1', at, at + 10))?.[1];
  const end = at + Number(length);
  // NaN where there is no length fails the first comparison as well.
  if (!(end <= body.length) || body[end - 1] !== 0x0a || end - at < 5) {
    throw badRecord(where, at, 'a record that ends in a newline');
  }
  return end;
}

function setRecord(records: Draft, key: string, value: Buffer, where: string): void {
  switch (key) {
    case 'path':
      if (value.length === 0) delete records.path;
      else records.path = paxPath(value, key, where);
      return;
    case 'linkpath':
      if (value.length === 0) delete records.linkpath;
      else records.linkpath = paxPath(value, key, where);
      return;
    case 'size':
      if (value.length === 0) delete records.bytes;
      else records.bytes = paxSize(value, where);
      return;
    case 'mtime':
      if (value.length === 0) delete records.mtime;
      else records.mtime = paxTime(value, where);
      return;
    default:
      if (key.startsWith('GNU.sparse.')) records.sparse = true;
  }
}

function paxPath(value: Buffer, key: string, where: string): string {
  if (value.includes(0)) throw invalid(where, `the PAX ${key} contains a NUL byte: expected none`);
  return decodeUtf8(value, `PAX ${key}`, where);
}

function paxSize(value: Buffer, where: string): number {
  const text = value.toString('latin1');
  const bytes = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw invalid(where, `bad PAX size: expected digits up to 2^53 - 1, got ${shown(text)}`);
}

function paxTime(value: Buffer, where: string): number {
  const text = value.toString('latin1');
  const [, whole = '', fraction = ''] = /^(-?[0-9]+)(?:\.([0-9]*))?$/.exec(text) ?? [];
  const seconds = whole === '' ? Number.NaN : Number(whole);
  if (!Number.isSafeInteger(seconds)) throw invalid(where, `bad PAX mtime: expected seconds, got ${shown(text)}`);
  const floored = whole.startsWith('-') && /[1-9]/.test(fraction) ? seconds - 1 : seconds;
  return floored === 0 ? 0 : floored;
}

function shown(text: string): string {
  return showPath(text.slice(0, 40));
}

function badRecord(where: string, at: number, expected: string): LakepackError {
  return invalid(where, `bad PAX record at byte ${at} of the header: expected ${expected}`);
}

function invalid(where: string, what: string): LakepackError {
  return new LakepackError('TAR_INVALID', `${where}: ${what}`);
}
