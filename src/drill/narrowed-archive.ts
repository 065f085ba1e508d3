/**
 * An archive as it would be with some of its exports only. With it a drill gives the operations exactly the exports it
 * picked: nothing is listed again, and an export that is made meanwhile is none of them.
 */
import { Archive } from '../archive/archive.js';
import { type ExportRef, manifestPrefix } from '../archive/layout.js';
import { comparePathBytes } from '../base/paths.js';
import type { ObjectInfo, Remote } from '../remote/remote.js';

/** Borrowed: closing it leaves `archive` open. Objects are read as ever; only listings of manifests are these. */
export function narrowedTo(archive: Archive, refs: readonly ExportRef[]): Archive {
  const keys = refs.map((ref) => ref.manifestKey).sort(comparePathBytes);
  const { remote, fallbacks } = archive;
  return new Archive({ ...remote, list: listing(remote, keys) }, { isBorrowed: true, fallbacks });
}

function listing(remote: Remote, keys: readonly string[]): Remote['list'] {
  return (prefix, options) =>
    prefix.startsWith(manifestPrefix()) ? listedKeys(keys, prefix) : remote.list(prefix, options);
}

async function* listedKeys(keys: readonly string[], prefix: string): AsyncGenerator<ObjectInfo> {
  // The sizes are asked by nobody who lists manifests to find exports.
  for (const key of keys) if (key.startsWith(prefix)) yield { key, bytes: 0 };
}
