/**
 * Lists one folder for a walk: which names there are, in which order they come, and what is wrong with the names.
 * What the things are (size, kind, time) is `walk.ts`.
 */
import { isUtf8 } from 'node:buffer';
import fs from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import type { Finding } from '../base/findings.js';
import { comparePathBytes } from '../base/paths.js';
import { isArchiveOwn, mayHoldArchiveOwn } from './archive-own.js';
import {
  notUtf8Finding,
  pathFinding,
  portabilityFinding,
  twinsFinding,
  unreadableFinding,
  type UnsupportedPolicy,
} from './file-policy.js';
import { findTwins } from './names.js';

export interface FolderItem {
  /** The bytes the disk has, one character a byte. */
  readonly name: string;
  readonly isFolder: boolean;
}

/** Lists a folder of this disk, in any order. Throws the system's error. */
export type FolderLister = (diskPath: string) => Iterable<FolderItem>;

/** A finding about a name or folder; `isFolder` is true where the thing is a folder. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly isFolder: boolean;
}

export interface ListingOptions {
  readonly unsupported: UnsupportedPolicy;
  /** False for what the walk need not look at: it is not entered, not looked at, and nothing is said of it. */
  readonly wants: (lakePath: string, isFolder: boolean) => boolean;
  readonly listFolder: FolderLister;
}

export interface Listing {
  /** In walking order; read with {@link stepOf}. */
  readonly keys: readonly string[];
  /** Sorted by path. */
  readonly findings: readonly PlacedFinding[];
  /** True when nothing at all stands in the folder. */
  readonly isEmpty: boolean;
}

/** `probe` asks whether a folder is empty, before siblings that sort between its bare name and what is in it. */
export interface Step {
  readonly type: 'file' | 'folder' | 'probe';
  readonly name: string;
}

// A key is a name with one character a byte, so that string order is byte order; nothing smaller sorts a million names.
const FOLDER = '/';
/** No name has a NUL, and it sorts right behind the bare name. */
const PROBE = '\0';

/** What a key of a listing stands for. */
export function stepOf(key: string): Step {
  if (key.endsWith(FOLDER)) return { type: 'folder', name: textOf(key.slice(0, -1)) };
  if (key.endsWith(PROBE)) return { type: 'probe', name: textOf(key.slice(0, -1)) };
  return { type: 'file', name: textOf(key) };
}

/** Of a listing: there are no other names in it. */
function textOf(key: string): string {
  return nameOf(key) ?? key;
}

/** Lists `folder` (a lake path, `''` for the root). A folder that vanished has nothing in it and is not empty. */
export function listFolder(root: string, folder: string, options: ListingOptions): Listing {
  const listing: OpenListing = { folder, keys: [], findings: [], items: 0 };
  try {
    for (const item of options.listFolder(diskPathOf(root, folder))) addItem(listing, item, options);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return GONE;
    return { ...GONE, findings: [{ finding: unreadableFinding(folder, error), isFolder: true }] };
  }
  listing.keys.sort();
  addTwins(listing);
  return { keys: withProbes(listing.keys), findings: sorted(listing.findings), isEmpty: listing.items === 0 };
}

const GONE: Listing = { keys: [], findings: [], isEmpty: false };

/** Where a lake path found by a walk is on this disk; unlike `toDiskPath` it trusts the path. */
export function diskPathOf(root: string, lakePath: string): string {
  return lakePath === '' ? root : `${root}/${lakePath}`;
}

/**
 * Lists with one call, for which 280 bytes a name are held for a moment. `opendir` would hold less, and took more than
 * twice as long for folders of few files.
 */
export function* readFolder(diskPath: string): Generator<FolderItem> {
  for (const item of fs.readdirSync(diskPath, { encoding: 'latin1', withFileTypes: true })) {
    yield { name: item.name, isFolder: item.isDirectory() };
  }
}

interface OpenListing {
  readonly folder: string;
  readonly keys: string[];
  readonly findings: PlacedFinding[];
  items: number;
}

function addItem(listing: OpenListing, { name: key, isFolder }: FolderItem, options: ListingOptions): void {
  listing.items++;
  const name = nameOf(key);
  const lakePath = childOf(listing.folder, name ?? showBytes(key));
  if (!options.wants(lakePath, isFolder)) return;
  const add = (finding: Finding): void => void listing.findings.push({ finding, isFolder });
  if (name === undefined) {
    add(notUtf8Finding(lakePath, options.unsupported));
    return;
  }
  if (!isFolder && mayHoldArchiveOwn(listing.folder) && isArchiveOwn(lakePath)) return;
  const fault = pathFinding(lakePath);
  if (fault !== undefined) {
    add(fault);
    return;
  }
  const warning = portabilityFinding(lakePath, name);
  if (warning !== undefined) add(warning);
  listing.keys.push(isFolder ? key + FOLDER : key);
}

function addTwins({ folder, keys, findings }: OpenListing): void {
  const names = keys.map((key) => stepOf(key).name);
  for (const twins of findTwins(names)) {
    const isFolder = keys[names.indexOf(twins[0] ?? '')]?.endsWith(FOLDER) === true;
    findings.push({ finding: twinsFinding(twins.map((name) => childOf(folder, name))), isFolder });
  }
}

/**
 * An empty folder `a` is an entry named `a`, and `a-b` sorts between `a` and `a/…`. So a folder with such a sibling
 * gets a key of its own for the question whether it is empty; all others answer it when they are entered.
 */
function withProbes(keys: readonly string[]): readonly string[] {
  const probes = keys.filter((key, at) => key.endsWith(FOLDER) && keys[at - 1]?.startsWith(key.slice(0, -1)) === true);
  return probes.length === 0 ? keys : [...keys, ...probes.map((key) => key.slice(0, -1) + PROBE)].sort();
}

function sorted(findings: readonly PlacedFinding[]): readonly PlacedFinding[] {
  return findings.toSorted(
    ({ finding: a }, { finding: b }) =>
      comparePathBytes(a.where.path ?? '', b.where.path ?? '') || comparePathBytes(a.code, b.code),
  );
}

export function childOf(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Undefined where the bytes are no UTF-8. */
function nameOf(key: string): string | undefined {
  // ASCII is its own UTF-8.
  if (!/[\u0080-\u00ff]/.test(key)) return key;
  const bytes = Buffer.from(key, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

/** Each byte that is not printable ASCII as `\xNN`. */
function showBytes(key: string): string {
  return key.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
