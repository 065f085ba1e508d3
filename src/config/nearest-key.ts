/** Finds what somebody meant who mistyped a key. */

const MAX_KEY_LENGTH = 64;

/** The known key nearest to `key`, or undefined when none is near enough to be meant. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > MAX_KEY_LENGTH) return undefined;
  const ranked = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const isNear = best !== undefined && best.distance <= Math.max(2, Math.floor(best.name.length / 3));
  return isNear && best.distance < best.name.length ? best.name : undefined;
}

/** Levenshtein: how many letters must be put in, taken out or changed. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 0; row < a.length; row += 1) {
    const current = [row + 1];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = at(above, column - 1) + (a[row] === b[column - 1] ? 0 : 1);
      current.push(Math.min(changed, at(above, column) + 1, at(current, column - 1) + 1));
    }
    above = current;
  }
  return at(above, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
