/**
 * Before each test file: every error that a test compares with what it expects is looked through for secrets. After it:
 * its folders are gone, the clock is right and its secrets are no longer looked for, because the next file may run in
 * the same process. Helpers keep no hooks of their own: a module that is loaded once adds them to one file only.
 */
import { afterAll, afterEach, expect, vi } from 'vitest';
import { endWatch } from './servers/secret-watch.js';
import { noteError } from './servers/secrets.js';
import { removeMadeFolders } from './support/made-folders.js';

const ADDED = Symbol.for('lakepack: errors are looked through');
const known = globalThis as { [ADDED]?: true };

if (known[ADDED] !== true) {
  known[ADDED] = true;
  expect.addEqualityTesters([
    (received: unknown) => {
      if (received instanceof Error) noteError(received);
      return undefined; // Not this tester's to decide.
    },
  ]);
}

afterEach(() => void vi.useRealTimers());

afterAll(() => {
  removeMadeFolders();
  endWatch();
});
