/** The plan: what goes, and what that costs. */
import { describe, expect, test } from 'vitest';
import { manifestKey, parseManifestKey } from '../../../src/archive/layout.js';
import { planTransfer, type PlanInput, type SourceExport } from '../../../src/operations/transferring/transfer-plan.js';

const NEAR = { isDistant: false };
const FAR = { isDistant: true };

function one(id: string, bundleBlocks: readonly number[], indexBytes = 0): SourceExport {
  const ref = parseManifestKey(manifestKey('silver/x', `20251011T08000${id}Z-0a1b2c3d`))!;
  return { ref, manifestSha256: `sha ${id}`, bundleBlocks, bytes: 1_000, indexBytes };
}

function plan(source: readonly SourceExport[], more: Partial<PlanInput> = {}) {
  const looking = { write: 0, read: 0 };
  return planTransfer({ source, target: new Map(), looking, from: NEAR, to: FAR, proof: 'auto', ...more });
}

describe('what goes', () => {
  test('is what the target does not have; another manifest there is another matter', () => {
    const [a, b, c] = [one('1', [1]), one('2', [1]), one('3', [1])];
    const target = new Map([
      [b.ref.manifestKey, 'sha 2'],
      [c.ref.manifestKey, 'something else'],
    ]);
    const { exports, objects, bytes } = plan([a, b, c], { target });
    expect(exports.map(({ action }) => action)).toEqual(['send', 'present', 'differs']);
    expect({ objects, bytes }).toEqual({ objects: 3, bytes: 1_000 });
  });
});

describe('what it costs', () => {
  test('folders cost nothing', () => {
    expect(plan([one('1', [1, 5], 10)], { to: NEAR }).requests).toEqual({ write: 0, read: 0 });
  });

  test('a small export: bundle, SHA256SUMS and manifest, each written and read back', () => {
    expect(plan([one('1', [1])]).requests).toEqual({ write: 3, read: 3 });
    expect(plan([one('1', [1])], { from: FAR, to: NEAR }).requests).toEqual({ write: 0, read: 2 });
    expect(plan([one('1', [1])], { looking: { write: 2, read: 7 } }).requests).toEqual({ write: 5, read: 10 });
  });

  test('a large bundle: its parts between a beginning and an end; a sample reads a part of them', () => {
    expect(plan([one('1', [42])]).requests).toEqual({ write: 44 + 2, read: 2 + 42 + 2 });
    expect(plan([one('1', [42])], { proof: 'sample' }).requests.read).toBe(2 + 4 + 2);
    expect(plan([one('1', [42])], { proof: 'none' }).requests.read).toBe(2 + 1 + 2);
  });

  test('an index of file entries is an object like a bundle', () => {
    const { objects, requests } = plan([one('1', [1], 20 * 1024 * 1024)]);
    expect(objects).toBe(4);
    expect(requests).toEqual({ write: 1 + 4 + 2, read: 2 + 3 + 2 });
  });
});
