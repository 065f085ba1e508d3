/** What the profiles of the providers must hold, whatever they say. */
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, MAX_BLOCKS } from '../../../src/base/limits.js';
import { profileOf } from '../../../src/remote/providers/profiles.js';
import { PROVIDER_NAMES } from '../../../src/schema/remote-config.js';

describe.each(PROVIDER_NAMES)('%s', (name) => {
  const profile = profileOf(name);

  test('has its own name', () => expect(profile.name).toBe(name));

  test('takes the blocks of a bundle as parts', () => {
    expect(profile.minPartBytes).toBeLessThanOrEqual(BLOCK_BYTES);
    expect(profile.maxPartBytes).toBeGreaterThanOrEqual(BLOCK_BYTES);
    expect(profile.maxParts).toBeGreaterThanOrEqual(MAX_BLOCKS);
    expect(profile.partsAtOnce).toBeGreaterThan(0);
  });

  test('says where each fact is from, and when', () => {
    expect(profile.facts.length).toBeGreaterThan(0);
    for (const { fact, source, date } of profile.facts) {
      expect(fact).not.toBe('');
      expect(source).not.toBe('');
      expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
    }
  });
});

test('the unknown provider is taken to have nothing that could be missing', () => {
  expect(profileOf('generic')).toMatchObject({
    createOnly: { put: false, complete: false, copy: false, inVersioned: false },
    sha256Checksums: false,
    uploadListing: 'exact-key',
  });
});
