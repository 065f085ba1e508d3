/** What stands on the disk, as texts that can be compared: trees, archives, and what should not be there. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** Path to `mode size mtime sha256`, for every file, link and folder below; a folder that is not there is empty. */
export function treeOf(root: string, wants: (name: string) => boolean = () => true): Map<string, string> {
  const tree = new Map<string, string>();
  if (!existsSync(root)) return tree;
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names.filter(wants)) tree.set(name, look(path.join(root, name)));
  return tree;
}

function look(disk: string): string {
  const stats = lstatSync(disk);
  if (stats.isSymbolicLink()) return `link ${readlinkSync(disk)}`;
  if (stats.isDirectory()) return 'folder';
  const seconds = Math.floor(stats.mtimeMs / 1000);
  return `${(stats.mode & 0o777).toString(8)} ${stats.size} ${seconds} ${sha256(readFileSync(disk))}`;
}

/** The files alone: what a restore must give back. */
export function filesOf(root: string, wants?: (name: string) => boolean): Map<string, string> {
  return new Map([...treeOf(root, wants)].filter(([, facts]) => facts !== 'folder'));
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The first differences between two trees, as sentences; none when they are the same. */
export function differences(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const all: string[] = [];
  for (const [name, facts] of expected) {
    const other = found.get(name);
    if (other !== facts) all.push(`${JSON.stringify(name)}: expected ${facts}, got ${other ?? 'nothing'}`);
  }
  for (const name of found.keys()) if (!expected.has(name)) all.push(`${JSON.stringify(name)}: is one too many`);
  return all.slice(0, 5);
}

interface ManifestFacts {
  readonly exportId: string;
  readonly source: { readonly path: string };
  readonly bundles: readonly { readonly name: string; readonly sha256: string }[];
}

export interface ArchiveLook {
  /** Partition path and SHA-256 of every committed bundle, sorted. */
  readonly bundles: readonly string[];
  /** What no manifest speaks of: bundles, indexes, temporaries, by their keys. */
  readonly strays: readonly string[];
  readonly exports: number;
}

/** Reads an archive without lakepack. Throws when a manifest names what is not there. */
export function lookAtArchive(archive: string): ArchiveLook {
  const ours = [...treeOf(archive)].filter(([, facts]) => facts !== 'folder').map(([name]) => name);
  const manifests = ours.filter((name) => /^manifests\/.*Z-[0-9a-f]{8}\.export\.json$/.test(name));
  const spokenOf = new Set<string>(manifests);
  const bundles: string[] = [];
  for (const key of manifests) {
    const manifest = JSON.parse(readFileSync(path.join(archive, key), 'utf8')) as ManifestFacts;
    const folder = `exports/${manifest.source.path}/${manifest.exportId}`;
    spokenOf.add(`${folder}/SHA256SUMS`);
    spokenOf.add(key.replace(/\.export\.json$/, '.files.jsonl.zst'));
    for (const bundle of manifest.bundles) {
      const stored = sha256(readFileSync(path.join(archive, folder, bundle.name)));
      if (stored !== bundle.sha256) throw new Error(`${folder}/${bundle.name}: is not what its manifest says`);
      spokenOf.add(`${folder}/${bundle.name}`);
      bundles.push(`${manifest.source.path} ${bundle.sha256}`);
    }
  }
  const isOurs = (name: string): boolean => /(^|\/)(\.|SHA256SUMS$)|Z-[0-9a-f]{8}[-.]/.test(name);
  const strays = ours.filter((name) => /^(exports|manifests)\//.test(name) && isOurs(name) && !spokenOf.has(name));
  return { bundles: bundles.sort(), strays, exports: manifests.length };
}
