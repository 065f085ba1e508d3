/** Sizes as people write them: `500MB` is decimal, `4GiB` binary, and a lone letter (`4g`) binary too. */

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ...units(1_000, (letter) => [`${letter}b`]),
  ...units(1_024, (letter) => [letter, `${letter}ib`]),
]);

/** A whole number of bytes above 0, or undefined when the text is not a size. */
export function parseByteSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(number) * (UNIT_BYTES.get(unit.toLowerCase()) ?? Number.NaN));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

function units(base: number, spell: (letter: string) => readonly string[]): readonly [string, number][] {
  return ['k', 'm', 'g', 't'].flatMap((letter, index) =>
    spell(letter).map((unit): [string, number] => [unit, base ** (index + 1)]),
  );
}
