import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { samplePicker, seededRandom } from '../../src/base/random.js';

const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function draw(count: number, random: () => number): number[] {
  return Array.from({ length: count }, () => random());
}

describe('seededRandom', () => {
  test('gives the same numbers for a seed, from 0 up to 1', () => {
    fc.assert(
      fc.property(seed, (start) => {
        const numbers = draw(50, seededRandom(start));
        expect(draw(50, seededRandom(start))).toEqual(numbers);
        expect(numbers.every((one) => one >= 0 && one < 1)).toBe(true);
        expect(new Set(numbers).size).toBeGreaterThan(45);
      }),
    );
  });

  test('gives others for other seeds, and spreads them evenly', () => {
    expect(draw(5, seededRandom(1))).not.toEqual(draw(5, seededRandom(2)));
    const numbers = draw(100_000, seededRandom(7));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = numbers.filter((one) => Math.floor(one * 10) === tenth).length / numbers.length;
      expect(share).toBeGreaterThan(0.095);
      expect(share).toBeLessThan(0.105);
    }
  });

  test('does not change: a sample of yesterday can be drawn again', () => {
    expect(draw(3, seededRandom(42))).toEqual([0.6011037519201636, 0.44829055899754167, 0.8524657934904099]);
  });
});

describe('samplePicker', () => {
  test('picks exactly as many as wanted, or all where there are fewer', () => {
    fc.assert(
      fc.property(seed, fc.nat({ max: 60 }), fc.nat({ max: 60 }), (start, wanted, total) => {
        const pick = samplePicker(wanted, total, seededRandom(start));
        const picked = Array.from({ length: total }, () => pick()).filter(Boolean).length;
        expect(picked).toBe(Math.min(wanted, total));
        expect(pick()).toBe(false);
      }),
    );
  });

  test('gives every item the same chance', () => {
    const hits = Array<number>(10).fill(0);
    const random = seededRandom(3);
    for (let round = 0; round < 20_000; round += 1) {
      const pick = samplePicker(3, 10, random);
      for (let item = 0; item < 10; item += 1) if (pick()) hits[item]! += 1;
    }
    for (const count of hits) expect(Math.abs(count / 20_000 - 0.3)).toBeLessThan(0.015);
  });
});
