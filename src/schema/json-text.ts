/**
 * From bytes to a JSON value that lakepack can keep: bounded in size, valid UTF-8, bounded in depth, every number
 * finite. It knows nothing of manifests. Where an object has a key twice the last one counts, as `JSON.parse` has it.
 */
import { showPath } from '../base/paths.js';
import type { ManifestFault } from './manifest-fault.js';

/** Deeper values are refused: writers and comparisons that recurse must not run out of stack on what was read. */
export const MAX_JSON_DEPTH = 200;

/** A parsed value takes up to twenty times the memory of its text: text with more values than this is not parsed. */
export const MAX_JSON_VALUES = 2_000_000;

const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

export type JsonReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: 'LIMIT_EXCEEDED' | 'MANIFEST_INVALID'; readonly fault: ManifestFault };

/** Reads JSON text of at most `maxBytes` bytes. Does not throw: a fault is returned. */
export function readJsonText(text: Buffer | string, maxBytes: number): JsonReading {
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  if (bytes > maxBytes) {
    return failed(`is too large: expected at most ${maxBytes} bytes, got ${bytes}`, 'LIMIT_EXCEEDED');
  }
  if (hasTooManyValues(text)) {
    return failed(`is too large: expected at most ${MAX_JSON_VALUES} values`, 'LIMIT_EXCEEDED');
  }
  const decoded = typeof text === 'string' ? text : decodeUtf8(text);
  if (decoded === undefined) return failed('is not valid UTF-8');
  return parseText(decoded);
}

/** Counts what separates values, inside of strings too: that is too many, never too few, and needs no parser. */
function hasTooManyValues(text: Buffer | string): boolean {
  if (text.length <= MAX_JSON_VALUES) return false;
  let separators = 0;
  for (const byte of typeof text === 'string' ? Buffer.from(text) : text) {
    if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) separators += 1;
  }
  return separators > MAX_JSON_VALUES;
}

function parseText(text: string): JsonReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return failed(`is not JSON: ${showPath(error instanceof Error ? error.message : String(error))}`);
  }
  const fault = jsonValueFault(value);
  return fault === undefined ? { ok: true, value } : failed(fault);
}

// A byte order mark is kept, so that JSON.parse refuses it (RFC 8259 8.1).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    // A fatal decoder throws for one reason only, and the caller says it.
    return undefined;
  }
}

function failed(message: string, code: 'LIMIT_EXCEEDED' | 'MANIFEST_INVALID' = 'MANIFEST_INVALID'): JsonReading {
  return { ok: false, code, fault: { path: '', message } };
}

/**
 * Why a JSON value could not be written and read back unchanged, or undefined where it can: deeper than
 * `maxDepth` levels, or a number outside what JSON text can carry (`1e999` parses to infinity). A writer asks this
 * before it puts a foreign value, such as a run manifest, into a manifest; with room left for the levels around it.
 */
export function jsonValueFault(value: unknown, maxDepth: number = MAX_JSON_DEPTH): string | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'holds a number that is out of range';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (maxDepth === 0) return `is nested too deeply: expected at most ${MAX_JSON_DEPTH} levels`;
  return Array.isArray(value) ? arrayFault(value, maxDepth - 1) : objectFault(value, maxDepth - 1);
}

function arrayFault(values: readonly unknown[], maxDepth: number): string | undefined {
  for (const value of values) {
    const fault = jsonValueFault(value, maxDepth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function objectFault(value: object, maxDepth: number): string | undefined {
  for (const key in value) {
    const fault = jsonValueFault((value as Record<string, unknown>)[key], maxDepth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
