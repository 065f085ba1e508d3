/** Exports in memory: bundles of literal trees with the heads and entries that a commit takes. */
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { LineSpool } from '../../src/base/line-spool.js';
import { commitExports, type FinishedExport } from '../../src/archive/commit.js';
import * as layout from '../../src/archive/layout.js';
import type { Remote } from '../../src/remote/remote.js';
import { createContentDigest } from '../../src/schema/content-digest.js';
import type { FileEntry } from '../../src/schema/export-manifest.js';
import { serializeFileEntry } from '../../src/schema/serialize-manifest.js';
import { build, type Built, type Tree } from '../bundle/kit.js';

export const SCRATCH = path.join(os.tmpdir(), 'lakepack-archive-tests');

export interface MadeExport {
  readonly ref: layout.ExportRef;
  readonly finished: FinishedExport;
  readonly built: Built;
  readonly bundleKey: string;
}

/** An export of a tree in one bundle, made at a moment. */
export async function makeExport(tree: Tree, partition = 'silver/x', at = '2025-10-11T06:00:00Z'): Promise<MadeExport> {
  const scanDigest = createHash('sha256')
    .update(JSON.stringify([tree, partition]))
    .digest('hex');
  const exportId = layout.exportIdOf(new Date(at), scanDigest);
  const built = await build(tree, { partition });
  const facts = { ...built.facts, name: layout.bundleName(exportId, 1) };
  const head: FinishedExport['head'] = {
    formatVersion: 1,
    exportId,
    createdAt: at,
    tool: built.spec.tool,
    source: { ...built.spec.source, scanDigest },
    provenance: built.spec.provenance,
    contentDigest: digestOf(built.entries),
    totals: {
      ...facts.payload,
      directories: built.entries.length - facts.payload.files,
      storedBytes: facts.storedBytes,
    },
    bundles: [facts],
  };
  const ref = layout.parseManifestKey(layout.manifestKey(partition, exportId))!;
  const bundleKey = layout.bundleKey(partition, exportId, facts.name);
  return { ref, finished: { head, entries: spoolOf(built.entries) }, built, bundleKey };
}

function digestOf(entries: readonly FileEntry[]): string {
  const digest = createContentDigest();
  for (const { path: lakePath, sha256 } of entries) if (sha256 !== undefined) digest.add(lakePath, sha256);
  return digest.hex();
}

export function spoolOf(entries: readonly FileEntry[]): LineSpool {
  const spool = new LineSpool({ scratchDir: SCRATCH });
  for (const entry of entries) spool.append(serializeFileEntry(entry));
  return spool;
}

/** Puts the bundles of some exports where they belong. */
export async function putBundles(remote: Remote, ...exports: readonly MadeExport[]): Promise<void> {
  for (const { bundleKey, built } of exports) await remote.put(bundleKey, built.bytes);
}

/** Commits some exports in one go; tells whose manifests were sent. */
export async function commit(remote: Remote, ...exports: readonly MadeExport[]): Promise<string[]> {
  const sent: string[] = [];
  const finished = exports.map((one) => one.finished);
  await commitExports(remote, finished, { onManifest: (exportId) => void sent.push(exportId) });
  return sent;
}

/** A tree of more files than stand in a manifest. */
export function manyFiles(count = 2_001): Tree {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${String(n).padStart(5, '0')}`, `${n}`]));
}
