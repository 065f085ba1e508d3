/**
 * A fault in a manifest or in an entry, how many of them are kept, and the words in which they are told. Where
 * faults come from is said in `validator.ts` (shape) and in `manifest-rules.ts` (meaning).
 */
import { showPath } from '../base/paths.js';

export interface ManifestFault {
  /** JSON pointer (RFC 6901) into the document; `''` is the whole document. */
  readonly path: string;
  /** What is wrong, in the form `expected x, got y` where there are two sides. Safe to print. */
  readonly message: string;
}

/** More faults than this are counted, not kept: a hostile manifest has room for millions. */
export const MAX_LISTED_FAULTS = 50;
const MAX_SHOWN_CHARS = 80;

export interface FaultList {
  /** The first faults, at most `MAX_LISTED_FAULTS`. */
  readonly faults: readonly ManifestFault[];
  /** All faults, also those that were not kept. */
  readonly count: number;
}

/** Collects faults from several sources; `prefix` is put before the paths of those that are added. */
export interface FaultCollector extends FaultList {
  add(faults: readonly ManifestFault[], prefix?: string): void;
}

export function createFaultCollector(): FaultCollector {
  const faults: ManifestFault[] = [];
  let count = 0;
  return {
    faults,
    get count() {
      return count;
    },
    add(more, prefix = '') {
      count += more.length;
      for (const { path, message } of more.slice(0, MAX_LISTED_FAULTS - faults.length)) {
        faults.push({ path: prefix + path, message });
      }
    },
  };
}

/** `subject: path: what is wrong` for one fault; one line each under a heading for several. Safe to print. */
export function faultText(subject: string, list: FaultList): string {
  const lines = list.faults.map(faultLine);
  if (list.count === 1) return `${subject}: ${lines.join('')}`;
  const more = list.count - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return [`${subject}: has ${list.count} faults`, ...lines].join('\n  ');
}

function faultLine(fault: ManifestFault): string {
  return fault.path === '' ? fault.message : `${showPath(shorten(fault.path, 4 * MAX_SHOWN_CHARS))}: ${fault.message}`;
}

/** A JSON value as a message may show it: short, in one line, without anything that acts on a terminal. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

function quote(text: string): string {
  const shown = showPath(shorten(text, MAX_SHOWN_CHARS));
  return shown.startsWith('"') ? shown : `"${shown}"`;
}

function shorten(text: string, maxChars: number): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  return cut.toWellFormed();
}
