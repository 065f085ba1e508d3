/**
 * Looks whether bytes are a sound struct of Thrift's compact protocol before a decoder trusts the lengths in them: a
 * Parquet footer of twenty bytes can ask for gigabytes. It answers for the form, not for what it says.
 */

const MAX_DEPTH = 32;
const MAX_VARINT_BYTES = 10;

/** True when every value lies within the bytes and no list has more items than bytes are left. */
export function isSoundThrift(bytes: Uint8Array): boolean {
  const cursor: Cursor = { bytes, at: 0 };
  return skipStruct(cursor, 0) && cursor.at <= bytes.length;
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
  const header = cursor.bytes[cursor.at++] ?? 0;
  const count = header >> 4 === 15 ? readVarint(cursor) : header >> 4;
  if (count === undefined || count > cursor.bytes.length - cursor.at) return false;
  for (let item = 0; item < count; item++) {
    if (!skipValue(cursor, header & 0x0f, depth + 1, true)) return false;
  }
  return true;
}

function skipBytes(cursor: Cursor, count: number | undefined): boolean {
  if (count === undefined || count > cursor.bytes.length - cursor.at) return false;
  cursor.at += count;
  return true;
}

/** Undefined where it does not end. Beyond 2^53 the value is not exact; as a length it is too large either way. */
function readVarint(cursor: Cursor): number | undefined {
  let value = 0;
  for (let count = 0; count < MAX_VARINT_BYTES; count++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte < 0x80) return value;
  }
  return undefined;
}
