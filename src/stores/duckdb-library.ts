/**
 * Loads DuckDB when it is first used: its library takes an eighth of a second, which no command that opens no table
 * should wait for. Types may be imported as ever.
 */
import type * as library from '@duckdb/node-api';
import { LakepackError } from '../base/errors.js';

type DuckDbLibrary = typeof library;

let loaded: DuckDbLibrary | undefined;

/** Throws STORE_NOT_INSTALLED where the package, or its part for this system, is missing. */
export async function loadDuckDb(): Promise<DuckDbLibrary> {
  try {
    loaded ??= await import('@duckdb/node-api');
    return loaded;
  } catch (error) {
    throw new LakepackError('STORE_NOT_INSTALLED', 'the package @duckdb/node-api cannot be loaded', {
      hint: 'npm install @duckdb/node-api, on a system that DuckDB is made for',
      cause: error,
    });
  }
}

/** For what works on values that the library gave: it is loaded then. */
export function duckDb(): DuckDbLibrary {
  if (loaded === undefined) throw new LakepackError('INTERNAL', 'duckdb: is used before it was loaded');
  return loaded;
}
