/** Bundles in memory: built from a literal tree of paths and contents, and checked, without a lake or a remote. */
import { createCipheriv, createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import type { Finding } from '../../src/base/findings.js';
import { BLOCK_BYTES } from '../../src/base/limits.js';
import { comparePathBytes } from '../../src/base/paths.js';
import { bagName, needsSha256sumEscape } from '../../src/bundle/bag.js';
import type { ByteSource } from '../../src/bundle/byte-source.js';
import { checkBundle, type BundleCheck, type BundleSidecar, type CheckBundleOptions } from '../../src/bundle/check.js';
import { openInlineRunner } from '../../src/base/job-runner.js';
import { openFrameSlabs } from '../../src/bundle/frame-runner.js';
import { createPackJobs, type PayloadSource } from '../../src/bundle/pack-frame.js';
import { BundleWriter, type BundleSpec } from '../../src/bundle/write.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import type { Inspection } from '../../src/lake/inspect/inspector.js';
import type { BundleFacts, FileContent, FileEntry } from '../../src/schema/export-manifest.js';

/** Lake path to content; null is an empty directory. */
export type Tree = Readonly<Record<string, string | Buffer | null>>;

export const EXPORT_ID = '20251011T060000Z-0a1b2c3d';
export const NEWEST_MTIME = 1_760_162_400;
/** No spool of a test is large enough to need it; `line-spool.test.ts` has those. */
export const SCRATCH = path.join(os.tmpdir(), 'lakepack-bundle-tests');

export interface BuildOptions {
  readonly level?: number;
  readonly concurrency?: number;
  readonly blockBytes?: number;
  readonly number?: number;
  /** Partition path. */
  readonly partition?: string;
  readonly executable?: readonly string[];
  readonly contents?: Readonly<Record<string, FileContent>>;
  readonly provenance?: BundleSpec['provenance'];
  readonly mtime?: (path: string) => number;
  readonly onEntries?: BundleSpec['onEntries'];
  readonly onFrame?: BundleSpec['onFrame'];
}

export interface Built {
  readonly tree: Tree;
  readonly bytes: Buffer;
  readonly entries: readonly FileEntry[];
  readonly facts: BundleFacts;
  readonly spec: BundleSpec;
  /** Folder of the bag, without a slash. */
  readonly bag: string;
}

export function sha256Of(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

export function contentOf(tree: Tree, lakePath: string): Buffer {
  return Buffer.from(tree[lakePath] ?? '');
}

/** Writes the bundle of a tree. */
export async function build(tree: Tree, options: BuildOptions = {}): Promise<Built> {
  const entries: FileEntry[] = [];
  const spec = specOf(tree, options, (placed) => {
    entries.push(...entriesOf(placed.lines));
    options.onEntries?.(placed);
  });
  const writer = new BundleWriter(spec, payloadOf(tree, options));
  const bytes = await storedBy(writer);
  return {
    tree,
    bytes,
    entries,
    facts: writer.facts,
    spec,
    bag: bagName(spec.source.path, spec.number),
  };
}

export function entriesOf(lines: string): FileEntry[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FileEntry);
}

/** All that a writer gives. Its chunks are good only until the next. */
export async function storedBy(writer: BundleWriter): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writer.stored()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export function specOf(tree: Tree, options: BuildOptions, onEntries: BundleSpec['onEntries']): BundleSpec {
  const { number = 1, level = 3, concurrency = 2, blockBytes = BLOCK_BYTES } = options;
  return {
    name: `${EXPORT_ID}-${String(number).padStart(5, '0')}.tar.zst`,
    number,
    source: { by: 'partition', path: options.partition ?? 'silver/x/dt=2025-10-11', layer: 'silver', dataset: 'x' },
    provenance: options.provenance ?? { licence: 'CC0-1.0', note: 'invented' },
    tool: { name: 'lakepack', version: '0.1.0', zstdVersion: '1.5.2', level },
    newestMtime: NEWEST_MTIME,
    hasFiles: Object.values(tree).some((content) => content !== null),
    hasOddNames: Object.keys(tree).some(needsSha256sumEscape),
    blockBytes,
    lake: '/there is no such lake',
    inspect: 'full',
    works: {
      runner: openInlineRunner(createPackJobs(payloadSourceOf(tree, options))),
      slabs: openFrameSlabs(3 + concurrency),
    },
    concurrency,
    scratchDir: SCRATCH,
    onEntries,
    onFrame: options.onFrame ?? (() => undefined),
  };
}

/** A lake in memory. */
export function payloadSourceOf(tree: Tree, options: BuildOptions = {}): PayloadSource {
  const inspection = ({ path: lakePath }: SourceEntry): Inspection => {
    const content = options.contents?.[lakePath];
    return { findings: [], ...(content && { content }) };
  };
  return {
    readWhole: (_lake, { path: lakePath }, into) => void contentOf(tree, lakePath).copy(into),
    open: (_lake, { path: lakePath }) => ({
      read: (into, offset) => void contentOf(tree, lakePath).copy(into, 0, offset, offset + into.length),
      close: () => undefined,
      dispose: () => undefined,
    }),
    inspector: (entry) => ({
      update: () => undefined,
      finish: async () => inspection(entry),
      dispose: () => undefined,
    }),
    inspect: inspection,
  };
}

export async function* payloadOf(tree: Tree, options: BuildOptions = {}): AsyncGenerator<SourceEntry> {
  for (const lakePath of Object.keys(tree).sort(comparePathBytes)) {
    yield {
      path: lakePath,
      type: tree[lakePath] === null ? 'directory' : 'file',
      bytes: contentOf(tree, lakePath).length,
      mtimeNs: BigInt(options.mtime?.(lakePath) ?? NEWEST_MTIME) * 1_000_000_000n,
      executable: options.executable?.includes(lakePath) ?? false,
    };
  }
}

async function* inChunks(content: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
}

export function sourceOf(bytes: Buffer, name = `${EXPORT_ID}-00001.tar.zst`): ByteSource {
  return {
    name,
    bytes: bytes.length,
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw new Error(`read of ${offset} + ${length} in ${bytes.length}`);
      return Buffer.from(bytes.subarray(offset, offset + length));
    },
    stream: (offset, length) => inChunks(bytes.subarray(offset, offset + length), 100_000),
    close: async () => undefined,
  };
}

export function sidecarOf(built: Pick<Built, 'facts' | 'entries' | 'spec'>): BundleSidecar {
  const { source, provenance, tool, number } = built.spec;
  return {
    manifest: { formatVersion: 1, tool, source, provenance },
    facts: built.facts,
    number,
    entries: inOrder(built.entries),
  };
}

export async function* inOrder<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Checks some bytes as they stand; `against` is the bundle they should be, absent for a bundle by itself. */
export async function check(
  bytes: Buffer,
  against?: Pick<Built, 'facts' | 'entries' | 'spec'>,
  more: Partial<CheckBundleOptions> = {},
): Promise<BundleCheck> {
  return await checkBundle(sourceOf(bytes), {
    depth: 'contents',
    sidecar: against === undefined ? undefined : sidecarOf(against),
    where: {},
    concurrency: 2,
    scratchDir: SCRATCH,
    signal: undefined,
    onBytes: () => undefined,
    ...more,
  });
}

/** What a check of a bundle by itself would unpack: path to content, in order. */
export async function checkAndUnpack(bytes: Buffer): Promise<{ check: BundleCheck; unpacked: Map<string, string> }> {
  const unpacked = new Map<string, string>();
  const sink: NonNullable<CheckBundleOptions['sink']> = {
    open: async (entry) => {
      const chunks: Buffer[] = [];
      return {
        data: (chunk) => void chunks.push(Buffer.from(chunk)),
        end: (complete) => {
          const facts = `${entry.type} ${entry.mtime} ${entry.executable}`;
          unpacked.set(entry.path, `${facts} ${complete ? sha256Of(Buffer.concat(chunks)) : 'incomplete'}`);
        },
      };
    },
  };
  return { check: await check(bytes, undefined, { sink }), unpacked };
}

export function errorsOf({ findings }: BundleCheck): readonly Finding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

/** The codes of all findings, each once, sorted. */
export function codesOf({ findings }: BundleCheck): readonly string[] {
  return [...new Set(findings.map(({ code }) => code))].sort();
}

/** The same bytes for the same seed, and nothing zstd could find in them. */
export function randomBytes(length: number, seed = 1): Buffer {
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(`seed ${seed}`).digest(), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

/** Lines that look like data and compress well. */
export function textBytes(length: number, seed = 1): Buffer {
  const lines: string[] = [];
  for (let at = 0, row = seed; at < length; row += 1) {
    const line = `${row},review ${(row * 7919) % 1013},${row % 5},the quick brown fox ${row % 17}\n`;
    lines.push(line);
    at += line.length;
  }
  return Buffer.from(lines.join('').slice(0, length));
}
