/**
 * Reads one run manifest of a lake: a JSON file that a collection run left behind. Two kinds are known: `{runId,
 * layer, artifacts, …}` and `{dataset, partition, runId, files[{path, …}], …}`. It answers for what such a file
 * says of itself; unknown and broken ones say nothing, and are data all the same.
 */
import fs from 'node:fs';
import { lakePathFault } from '../base/paths.js';
import { diskPathOf } from './folder-listing.js';
import { walkLake, type WalkOptions } from './walk.js';

export const RUN_MANIFEST_SUFFIX = '.manifest.json';

/** The lake paths of all files so named, sorted. Only folders are listed; no other file is looked at. */
export async function findRunManifests(root: string, walk: WalkOptions): Promise<readonly string[]> {
  const wants = (lakePath: string, isFolder: boolean): boolean => isFolder || lakePath.endsWith(RUN_MANIFEST_SUFFIX);
  const found: string[] = [];
  for await (const item of walkLake(root, { ...walk, wants })) {
    if (item.type === 'entry' && item.entry.type === 'file') found.push(item.entry.path);
  }
  return found;
}

export interface RunManifestFacts {
  readonly runId?: string;
  /** The lake folder that its `dataset` and `partition` name: one or none. */
  readonly described: readonly string[];
  /** Lake paths it lists as files. */
  readonly files: readonly string[];
  /** Lake paths, of files or folders, among its artifacts. */
  readonly artifacts: readonly string[];
  /** Size of the text. */
  readonly bytes: number;
  /** The parsed JSON, unchanged. */
  readonly content: unknown;
}

/**
 * The lake folder of a partition as manifests write it: `all` is the whole dataset, `2024-06-20` the folder
 * `2024/06/20`, and `a=1__b=2` the folder `a=1/b=2`.
 */
export function describedFolder(dataset: string, partition: string): string {
  if (partition === 'all') return dataset;
  const isDate = /^\d{4}(-\d\d){0,2}$/.test(partition);
  return `${dataset}/${isDate ? partition.replaceAll('-', '/') : partition.replaceAll('__', '/')}`;
}

/** Undefined where the file is gone, larger than `maxBytes`, unreadable, or no JSON object: packing it is what reports that. */
export function readRunManifest(root: string, lakePath: string, maxBytes: number): RunManifestFacts | undefined {
  const text = readBounded(diskPathOf(root, lakePath), maxBytes);
  const content = text === undefined ? undefined : parse(text);
  if (text === undefined || !isRecord(content)) return undefined;
  const { runId, dataset, partition, files, artifacts } = content;
  return {
    ...(isName(runId) ? { runId } : {}),
    described: isName(dataset) && isName(partition) ? [describedFolder(dataset, partition)] : [],
    files: asArray(files).flatMap((file) => lakePathsIn(isRecord(file) ? file.path : undefined)),
    artifacts: isRecord(artifacts) ? Object.values(artifacts).flatMap(lakePathsIn) : [],
    bytes: Buffer.byteLength(text),
    content,
  };
}

function readBounded(diskPath: string, maxBytes: number): string | undefined {
  let handle: number | undefined;
  try {
    // Without NOFOLLOW and NONBLOCK a file swapped for a link or a fifo since the scan would be followed, or hang.
    handle = fs.openSync(diskPath, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const stats = fs.fstatSync(handle);
    return stats.isFile() && stats.size <= maxBytes ? fs.readFileSync(handle, 'utf8') : undefined;
  } catch {
    // What it says only adds to what the paths say; a file that cannot be read fails its own export.
    return undefined;
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: then it is no run manifest.
    return undefined;
  }
}

/** The lake paths in a text or a list of texts. */
function lakePathsIn(value: unknown): readonly string[] {
  return [value, ...asArray(value)]
    .filter((one) => typeof one === 'string')
    .map((text) => text.replace(/\/+$/, ''))
    .filter((text) => lakePathFault(text) === undefined);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
