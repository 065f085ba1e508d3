/**
 * One text for one JSON value: keys sorted by their UTF-16 code units, no white space, numbers and strings as
 * JSON.stringify prints them (RFC 8785). It answers for digests of settings being the same however a file was written.
 */

/** The value must be JSON: what JSON.parse gives. A key whose value is undefined is left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`;
}
