/** Takes bundles apart and puts them together again, so that one thing in them is a lie and all the rest agrees. */
import { decompressFrame } from '../../src/codec/zstd.js';
import { rawFrame, walkFrame } from '../../src/codec/zstd-frame.js';
import { encodeSeekTable } from '../../src/codec/seek-table.js';
import { encodeEntryHeader, END_OF_ARCHIVE, paddingBytes } from '../../src/codec/tar.js';
import { TarReader } from '../../src/codec/tar-reader.js';
import { BlockHasher } from '../../src/bundle/block-hasher.js';
import { FrameIndex } from '../../src/bundle/frame-index.js';
import type { BundleFacts } from '../../src/schema/export-manifest.js';
import { sha256Of, type Built } from './kit.js';

export interface StoredFrame {
  readonly stored: Buffer;
  readonly content: Buffer;
  readonly storedOffset: number;
  readonly tarOffset: number;
}

/** The frames before the seek table. */
export async function framesOf(bytes: Buffer): Promise<StoredFrame[]> {
  const frames: StoredFrame[] = [];
  let tarOffset = 0;
  for (let at = 0; at < bytes.length;) {
    const facts = walkFrame(bytes, at)!;
    if (facts.kind === 'skippable') break;
    const stored = bytes.subarray(at, at + facts.storedBytes);
    const content = await decompressFrame(stored, 4 * 1024 * 1024);
    frames.push({ stored, content, storedOffset: at, tarOffset });
    at += stored.length;
    tarOffset += content.length;
  }
  return frames;
}

export async function tarOf(bytes: Buffer): Promise<Buffer> {
  return Buffer.concat((await framesOf(bytes)).map(({ content }) => content));
}

/** Stored frames and a seek table that is true of them. */
export function joinFrames(frames: readonly Pick<StoredFrame, 'stored' | 'content'>[]): Buffer {
  const table = encodeSeekTable(
    frames.map(({ stored, content }) => ({ storedBytes: stored.length, contentBytes: content.length })),
  );
  return Buffer.concat([...frames.map(({ stored }) => stored), table]);
}

/** A tar in raw frames with a seek table: where a byte of the tar is a byte of the bundle. */
export function bundleOfTar(tar: Buffer, frameBytes = 1024 * 1024): Buffer {
  const frames: Pick<StoredFrame, 'stored' | 'content'>[] = [];
  for (let at = 0; at < tar.length; at += frameBytes) {
    const content = tar.subarray(at, at + frameBytes);
    frames.push({ stored: rawFrame(content), content });
  }
  return joinFrames(frames);
}

export interface TarPart {
  /** Name less the folder of the bag. */
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly content: Buffer;
  readonly mtime: number;
  readonly executable: boolean;
}

export function partsOf(tar: Buffer, bag: string): TarPart[] {
  const parts: TarPart[] = [];
  const reader = new TarReader({ subject: 'kit', strictPadding: true });
  let chunks: Buffer[] = [];
  for (const event of reader.push(tar)) {
    if (event.type === 'data') chunks.push(event.bytes);
    if (event.type !== 'entry') continue;
    chunks = [];
    const { entry } = event;
    const type = entry.type === 'directory' ? 'directory' : 'file';
    const name = entry.name.slice(bag.length + 1).replace(/\/$/, '');
    const content = tar.subarray(entry.dataOffset, entry.dataOffset + entry.bytes);
    const executable = type === 'file' && entry.mode === 0o755;
    parts.push({ name, type, content, mtime: entry.mtime, executable });
  }
  reader.end();
  return parts;
}

export function tarFrom(parts: readonly TarPart[], bag: string): Buffer {
  const blocks = parts.flatMap(({ name, type, content, mtime, executable }) => [
    encodeEntryHeader({ path: `${bag}/${name}`, type, bytes: content.length, mtime, executable }),
    content,
    Buffer.alloc(paddingBytes(content.length)),
  ]);
  return Buffer.concat([...blocks, END_OF_ARCHIVE]);
}

/** The parts with a tag manifest that is true of them: what finds a lie must be the check of that very thing. */
export function retagged(parts: readonly TarPart[]): TarPart[] {
  const isTag = ({ name }: TarPart): boolean => !name.startsWith('data/') && name !== 'tagmanifest-sha256.txt';
  const lines = parts.filter(isTag).map(({ name, content }) => `${sha256Of(content)}  ${name}\n`);
  const content = Buffer.from(lines.join(''));
  return parts.map((part) => (part.name === 'tagmanifest-sha256.txt' ? { ...part, content } : part));
}

/** Replaces the text of one file of the bag. */
export function rewritten(parts: readonly TarPart[], name: string, change: (text: string) => string): TarPart[] {
  return parts.map((part) =>
    part.name === name ? { ...part, content: Buffer.from(change(part.content.toString())) } : part,
  );
}

/**
 * A bundle whose entries were changed, with a true tag manifest, frames and seek table, and with facts that fit its
 * stored bytes; its entries are still those of the original.
 */
export async function forge(
  built: Built,
  change: (parts: readonly TarPart[]) => readonly TarPart[],
  options: { readonly retag?: boolean; readonly bag?: string } = {},
): Promise<Pick<Built, 'bytes' | 'facts' | 'entries' | 'spec'>> {
  const parts = change(partsOf(await tarOf(built.bytes), built.bag));
  const tar = tarFrom(options.retag === false ? parts : retagged(parts), options.bag ?? built.bag);
  const bytes = bundleOfTar(tar);
  return { bytes, facts: await factsOf(bytes, built.facts), entries: built.entries, spec: built.spec };
}

/** Facts that are true of the stored bytes; the payload is as `facts` has it. */
export async function factsOf(bytes: Buffer, facts: BundleFacts): Promise<BundleFacts> {
  const index = new FrameIndex();
  for (const { content, stored } of await framesOf(bytes)) index.add(content.length, stored.length);
  const hasher = new BlockHasher(facts.blocks.size);
  hasher.update(bytes);
  const hashes = hasher.finish();
  return {
    ...facts,
    storedBytes: bytes.length,
    sha256: hashes.sha256,
    blocks: { size: facts.blocks.size, sha256: hashes.blocks },
    tarBytes: index.tarBytes,
    frames: index.length,
    seekTable: { offset: index.storedBytes, bytes: bytes.length - index.storedBytes },
  };
}
