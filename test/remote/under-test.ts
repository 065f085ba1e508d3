/** What the suites of the contract are given, and the keys they try. */
import { expect } from 'vitest';
import type { Remote } from '../../src/remote/remote.js';
import { keysOf } from './bodies.js';

export interface RemoteUnderTest {
  readonly remote: Remote;
  /** Where objects are put when `remote` does not write. The same store. */
  readonly writer?: Remote;
  /** Names of everything the store holds that a listing does not show: half-written objects. */
  readonly traces?: () => Promise<readonly string[]>;
  /** Another remote of the same place, as another process would open it. */
  readonly reopen?: () => Promise<Remote>;
  readonly dispose?: () => Promise<void>;
}

/** The same, made whole: filled in before each test. */
export interface Subject {
  remote: Remote;
  writer: Remote;
  traces: () => Promise<readonly string[]>;
  reopen?: () => Promise<Remote>;
  dispose?: () => Promise<void>;
}

export const UNSAFE_KEYS = [
  '',
  '../x',
  'a/../x',
  '/x',
  'a//b',
  'a/',
  './a',
  'a\0b',
  'C:\\x',
  '\\\\host\\x',
  'a/..\\b',
  '\ud800',
];
export const KEY = 'exports/silver/vulns/x-00001.tar.zst';

export async function expectNothingLeft(on: Subject): Promise<void> {
  expect(await keysOf(on.remote.list(''))).toEqual([]);
  expect(await on.traces()).toEqual([]);
}
