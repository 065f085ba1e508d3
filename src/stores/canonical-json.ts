/** JSON text in its one canonical form: RFC 8785, and what to do with text that it does not cover. */

/** Deeper values are kept as they were written: what recurses here must not run out of stack. */
const MAX_DEPTH = 200;

/** Spaces, order of keys, escapes and spelling of numbers do not count. Text that is no JSON comes back behind a `!`. */
export function canonicalJson(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A finding of the comparison, not a fault here: `!` begins no JSON, so it equals only the same text.
    return `!${text}`;
  }
  return writeValue(value, 0) ?? `!${text}`;
}

function writeValue(value: unknown, depth: number): string | undefined {
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth >= MAX_DEPTH) return undefined;
  return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
}

/** A number beyond a double's range is read as infinite, for which JSON has no word. */
function writeNumber(value: number): string {
  return Object.is(value, -0) ? '0' : String(value);
}

function writeArray(items: readonly unknown[], depth: number): string | undefined {
  const parts: string[] = [];
  for (const item of items) {
    const part = writeValue(item, depth + 1);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return `[${parts.join(',')}]`;
}

function writeObject(object: object, depth: number): string | undefined {
  const parts: string[] = [];
  const fields = Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, field] of fields) {
    const part = writeValue(field, depth + 1);
    if (part === undefined) return undefined;
    parts.push(`${JSON.stringify(name)}:${part}`);
  }
  return `{${parts.join(',')}}`;
}
