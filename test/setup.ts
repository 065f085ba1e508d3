/** Once a test file: every error that a test compares with what it expects is looked through for secrets. */
import { expect } from 'vitest';
import { noteError } from './servers/secrets.js';

expect.addEqualityTesters([
  (received: unknown) => {
    if (received instanceof Error) noteError(received);
    return undefined; // Not this tester's to decide.
  },
]);
