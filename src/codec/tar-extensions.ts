/**
 * Extension headers, which say something about the entry behind them: PAX `x` and `g` (POSIX.1-2001 pax), GNU long
 * names `L` and `K` (GNU tar manual, "Extensions to the tar format"). It answers for what they say together.
 */
import { LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { parsePaxRecords } from './pax.js';
import type { PaxRecords } from './pax.js';
import { decodeUtf8 } from './tar-block.js';

/** The body of one extension header; GNU tar and libarchive write a few hundred bytes. */
export const MAX_EXTENSION_BYTES = 1 * MIB;

export type ExtensionKind = 'pax' | 'pax-global' | 'long-name' | 'long-link';

/** What the extension headers before an entry said. */
export interface TarExtensions {
  /** Of the first of them, in the tar stream. */
  readonly offset?: number;
  readonly longName?: string;
  readonly longLink?: string;
  readonly pax?: PaxRecords;
}

/** Which extension header a typeflag stands for; undefined for an entry. */
export function extensionKind(typeflag: string): ExtensionKind | undefined {
  switch (typeflag) {
    case 'x':
      return 'pax';
    case 'g':
      return 'pax-global';
    case 'L':
      return 'long-name';
    case 'K':
      return 'long-link';
    default:
      return undefined;
  }
}

/**
 * Adds one header's body to what the others said. Throws TAR_INVALID for malformed records, an empty long name, and
 * a second header of the same kind: some readers take the first, some the last.
 */
export function withExtension(
  extensions: TarExtensions,
  kind: Exclude<ExtensionKind, 'pax-global'>,
  body: Buffer,
  where: string,
): TarExtensions {
  const field = ({ pax: 'pax', 'long-name': 'longName', 'long-link': 'longLink' } as const)[kind];
  if (extensions[field] !== undefined) throw invalid(where, `two ${kind} headers for one entry: expected one`);
  return { ...extensions, [field]: kind === 'pax' ? parsePaxRecords(body, where) : longText(body, kind, where) };
}

/** GNU tar ends the name with a NUL and ignores what is behind it. */
function longText(body: Buffer, kind: string, where: string): string {
  const end = body.indexOf(0);
  const text = decodeUtf8(end === -1 ? body : body.subarray(0, end), kind, where);
  if (text === '') throw invalid(where, `the ${kind} is empty: expected a name`);
  return text;
}

/**
 * The time that a global header gives to all entries behind it, if any. Throws TAR_INVALID where it would change what
 * an entry is: no archive needs one path or size for all its entries, and readers differ on such headers.
 */
export function globalTime(body: Buffer, where: string): number | undefined {
  const { mtime, ...others } = parsePaxRecords(body, where);
  const [key] = Object.keys(others);
  if (key !== undefined) throw invalid(where, `a global PAX header sets the ${key}: expected none of all entries`);
  return mtime;
}

function invalid(where: string, what: string): LakepackError {
  return new LakepackError('TAR_INVALID', `${where}: ${what}`);
}
