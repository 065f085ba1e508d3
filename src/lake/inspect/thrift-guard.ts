/**
 * Looks whether bytes are a sound struct of Thrift's compact protocol before a decoder trusts the lengths in them (a
 * Parquet footer of twenty bytes can ask for gigabytes), and where its fields stand. It answers for the form, not for
 * what it says.
 */

const MAX_DEPTH = 32;
const MAX_VARINT_BYTES = 10;

/** The value of a field: its type in the compact protocol, and its bytes without the header. */
export interface ThriftField {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Thrift compact protocol, "Struct encoding": types of fields. */
const I64 = 6;
const LIST = 9;
const STRUCT = 12;

/**
 * The fields of a struct, by number. Undefined when it is not sound: a value lies beyond the bytes, or a list has more
 * items than bytes are left.
 */
export function thriftFields(bytes: Uint8Array): ReadonlyMap<number, ThriftField> | undefined {
  const cursor: Cursor = { bytes, at: 0 };
  const fields = new Map<number, ThriftField>();
  let number = 0;
  while (cursor.at < bytes.length) {
    const header = bytes[cursor.at++] ?? 0;
    const type = header & 0x0f;
    if (type === 0) return fields;
    const given = header >> 4 === 0 ? readZigzag(cursor) : number + (header >> 4);
    if (given === undefined) return undefined;
    number = given;
    const from = cursor.at;
    if (!skipValue(cursor, type, 0, false)) return undefined;
    fields.set(number, { type, bytes: bytes.subarray(from, cursor.at) });
  }
  return undefined;
}

/** The value of an i64 field; undefined where it is none, or beyond 2^53. */
export function thriftInteger(field: ThriftField | undefined): number | undefined {
  return field?.type === I64 ? readZigzag({ bytes: field.bytes, at: 0 }) : undefined;
}

/** The structs of a list; undefined where the field is no such list. It was found sound with its struct. */
export function thriftStructs(field: ThriftField | undefined): readonly Uint8Array[] | undefined {
  if (field?.type !== LIST) return undefined;
  const cursor: Cursor = { bytes: field.bytes, at: 0 };
  const { type, count = 0 } = readListHead(cursor);
  if (type !== STRUCT && count > 0) return undefined;
  const structs: Uint8Array[] = [];
  for (let item = 0; item < count; item++) {
    const from = cursor.at;
    if (!skipStruct(cursor, 0)) return undefined;
    structs.push(field.bytes.subarray(from, cursor.at));
  }
  return structs;
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

function skipStruct(cursor: Cursor, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  while (cursor.at < cursor.bytes.length) {
    const header = cursor.bytes[cursor.at++] ?? 0;
    const type = header & 0x0f;
    if (type === 0) return true;
    // Without a delta the field's number follows.
    if (header >> 4 === 0 && readVarint(cursor) === undefined) return false;
    if (!skipValue(cursor, type, depth, false)) return false;
  }
  return false;
}

/** Types: 1 true, 2 false, 3 byte, 4–6 integers, 7 double, 8 binary, 9 list, 12 struct. Parquet uses no others. */
function skipValue(cursor: Cursor, type: number, depth: number, inList: boolean): boolean {
  switch (type) {
    case 1:
    case 2:
      return skipBytes(cursor, inList ? 1 : 0);
    case 3:
      return skipBytes(cursor, 1);
    case 4:
    case 5:
    case 6:
      return readVarint(cursor) !== undefined;
    case 7:
      return skipBytes(cursor, 8);
    case 8:
      return skipBytes(cursor, readVarint(cursor));
    case 9:
      return skipList(cursor, depth);
    case 12:
      return skipStruct(cursor, depth + 1);
    default:
      return false;
  }
}

function skipList(cursor: Cursor, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  const { type, count } = readListHead(cursor);
  if (count === undefined || count > cursor.bytes.length - cursor.at) return false;
  for (let item = 0; item < count; item++) {
    if (!skipValue(cursor, type, depth + 1, true)) return false;
  }
  return true;
}

function readListHead(cursor: Cursor): { readonly type: number; readonly count: number | undefined } {
  const header = cursor.bytes[cursor.at++] ?? 0;
  return { type: header & 0x0f, count: header >> 4 === 15 ? readVarint(cursor) : header >> 4 };
}

function skipBytes(cursor: Cursor, count: number | undefined): boolean {
  if (count === undefined || count > cursor.bytes.length - cursor.at) return false;
  cursor.at += count;
  return true;
}

/** Undefined where it does not end. Beyond 2^53 the value is not exact; as a length it is too large either way. */
function readVarint(cursor: Cursor): number | undefined {
  let value = 0;
  let weight = 1;
  for (let count = 0; count < MAX_VARINT_BYTES; count++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value;
    weight *= 128;
  }
  return undefined;
}

/** A signed integer: 0, -1, 1, -2 … are written as 0, 1, 2, 3 …. Undefined also where it would not be exact. */
function readZigzag(cursor: Cursor): number | undefined {
  const value = readVarint(cursor);
  if (value === undefined || value > Number.MAX_SAFE_INTEGER) return undefined;
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
