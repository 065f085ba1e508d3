/** The README's commands, run as a reader would run them; `npx tsx scripts/readme-tour.ts --write` puts in what they print. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { masked, runTour, shortened, type TourStep } from '../scripts/readme-tour.js';

const built = existsSync(new URL('../dist/bin.js', import.meta.url));

describe.skipIf(!built)('the tour of README.md (needs npm run build)', () => {
  let steps: readonly TourStep[] | undefined;
  function tour(): readonly TourStep[] {
    steps ??= runTour();
    return steps;
  }

  test('runs to its end, and each command prints what the README shows', { timeout: 120_000 }, () => {
    for (const { commands, shown, printed } of tour()) {
      expect(`${commands}${masked(shortened(printed)).trim()}`).toBe(`${commands}${masked(shown ?? '').trim()}`);
    }
  });

  test('ends with a restored lake that diff finds equal', () => {
    expect(tour().some(({ printed }) => printed.includes('the same'))).toBe(true);
  });
});

test('the README names the two commands that do all the set-up', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly scripts: Record<string, string>;
  };
  expect(readme).toContain('```sh\nnpm run demo\n```');
  expect(readme).toContain('```sh\nnpm test\n```');
  expect(scripts).toMatchObject({ demo: expect.any(String), test: expect.any(String) });
});
