/**
 * One text for one JSON value: keys sorted by their UTF-16 code units, no white space, numbers and strings as
 * JSON.stringify prints them (RFC 8785). It answers for digests being the same however a text was written.
 */

/** What recurses here must not run out of stack. */
const MAX_DEPTH = 200;

/**
 * The value must be JSON: what JSON.parse gives. A key whose value is undefined is left out. A number that JSON.parse
 * found beyond a double's range is `Infinity`, for which JSON has no word. Throws RangeError below 200 levels.
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth >= MAX_DEPTH) throw new RangeError(`JSON is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field, depth + 1)}`).join(',')}}`;
}
