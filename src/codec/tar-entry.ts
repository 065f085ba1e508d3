/**
 * From a header block and the extension headers before it to one entry: which name, size and time count, which types
 * there are, and which combinations no two readers agree on and are therefore refused.
 */
import { LakepackError } from '../base/errors.js';
import type { PaxRecords } from './pax.js';
import { decodeUtf8 } from './tar-block.js';
import type { TarBlock } from './tar-block.js';
import type { TarExtensions } from './tar-extensions.js';

export interface TarEntry {
  /** As stored, so a directory mostly ends in a slash. Never empty, never with NUL; whether it is safe is for `base/paths.ts`. */
  readonly name: string;
  /** `other`: devices, fifos, GNU dump, volume and multi-volume headers, and whatever is not known. */
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  /** The character in the header; '0' where an old header has NUL. */
  readonly typeflag: string;
  /** Only for links. */
  readonly linkname?: string;
  /** Size of the body. */
  readonly bytes: number;
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  readonly mtime: number;
  /** The lower twelve bits. */
  readonly mode: number;
  /** Of the first header block, extension headers included, in the tar stream. */
  readonly headerOffset: number;
  /** Of the first body byte, or where it would stand. */
  readonly dataOffset: number;
}

/**
 * Makes the entry of the block at `offset`. PAX records win over GNU long names, and both over the block. Throws
 * TAR_INVALID for a name that is empty or not UTF-8, a sparse file, and a body where the type has none.
 */
export function makeEntry(
  block: TarBlock,
  extensions: TarExtensions,
  globalMtime: number | undefined,
  place: { readonly offset: number; readonly dataOffset: number; readonly where: string },
): TarEntry {
  const { pax = {} } = extensions;
  const name = pax.path ?? extensions.longName ?? decodeUtf8(block.name, 'name', place.where);
  const bytes = pax.bytes ?? block.bytes;
  const type = entryType(block.typeflag, name);
  const fault = entryFault(block.typeflag, type, name, bytes, pax);
  if (fault !== undefined) throw new LakepackError('TAR_INVALID', `${place.where}: ${fault}`);
  return {
    name,
    type,
    typeflag: block.typeflag,
    ...(type === 'symlink' || type === 'hardlink' ? { linkname: linkTarget(block, extensions, place.where) } : {}),
    bytes,
    mtime: pax.mtime ?? globalMtime ?? block.mtime,
    mode: block.mode,
    headerOffset: extensions.offset ?? place.offset,
    dataOffset: place.dataOffset,
  };
}

function linkTarget(block: TarBlock, { pax = {}, longLink }: TarExtensions, where: string): string {
  return pax.linkpath ?? longLink ?? decodeUtf8(block.linkname, 'link name', where);
}

function entryType(typeflag: string, name: string): TarEntry['type'] {
  switch (typeflag) {
    case '0':
    case '7':
      // Tars older than typeflag 5 mark a directory by the slash.
      return name.endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

function entryFault(
  typeflag: string,
  type: TarEntry['type'],
  name: string,
  bytes: number,
  pax: PaxRecords,
): string | undefined {
  if (name === '') return 'the name is empty: expected a name';
  if (typeflag === 'S' || pax.sparse === true) return 'a sparse file: expected one that is stored whole';
  // Readers disagree on whether such a body is there, and so on where the next header is.
  const bodiless = type === 'directory' || type === 'symlink' || type === 'hardlink' || '346'.includes(typeflag);
  return bodiless && bytes > 0 ? `a body where type "${typeflag}" has none: expected 0 bytes, got ${bytes}` : undefined;
}
