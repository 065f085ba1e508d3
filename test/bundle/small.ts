/** A bundle of a few KB with raw and compressed frames, small enough to damage in every byte. */
import { compressFrame } from '../../src/codec/zstd.js';
import { rawFrame } from '../../src/codec/zstd-frame.js';
import { factsOf, joinFrames, tarOf } from './forge.js';
import { build, randomBytes, textBytes, type Built, type Tree } from './kit.js';

export const SMALL: Tree = {
  'a/empty': '',
  'a/folder': null,
  'b/odd%name': textBytes(600),
  'b/é': randomBytes(300),
  'b/~plain': 'a plain header follows',
  'c/run.sh': '#!/bin/sh\necho lake\n',
};

/**
 * The bundle of `SMALL`, cut anew into frames of `frameBytes` of tar, every fifth one raw: a writer would cut at 1 MiB,
 * but a reader must take any cut.
 */
export async function smallBundle(frameBytes = 2_048): Promise<Built> {
  const built = await build(SMALL, { executable: ['c/run.sh'], contents: { 'c/run.sh': { format: 'other' } } });
  const bytes = await recut(await tarOf(built.bytes), frameBytes);
  return { ...built, bytes, facts: await factsOf(bytes, built.facts) };
}

export async function recut(tar: Buffer, frameBytes: number): Promise<Buffer> {
  const frames: { stored: Buffer; content: Buffer }[] = [];
  for (let at = 0; at < tar.length; at += frameBytes) {
    const content = tar.subarray(at, at + frameBytes);
    frames.push({ content, stored: frames.length % 5 === 1 ? rawFrame(content) : await compressFrame(content, 3) });
  }
  return joinFrames(frames);
}
