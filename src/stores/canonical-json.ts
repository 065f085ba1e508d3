/** The canonical form of a stored JSON text (docs/fingerprints.md 2.4), and what to do with text that has none. */
import { canonicalJson } from '../schema/canonical-json.js';

/**
 * Spaces, order of keys, escapes and spelling of numbers do not count. Text that is no JSON, or nested too deep, comes
 * back behind a `!`: a finding of the comparison, not a fault here, and `!` begins no JSON, so it equals only the same text.
 */
export function canonicalJsonText(text: string): string {
  try {
    return canonicalJson(JSON.parse(text));
  } catch {
    return `!${text}`;
  }
}
