/** Small things the tests of remotes share: bodies to put, and ways to look at what came back. */
import { expect } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.js';
import type { ObjectInfo } from '../../src/remote/remote.js';

export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'LakepackError', code });
}

export function expectErrorCode(error: unknown, code: ErrorCode): void {
  expect(error).toMatchObject({ name: 'LakepackError', code });
}

export async function keysOf(list: AsyncIterable<ObjectInfo>): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of list) keys.push(key);
  return keys;
}

export async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes in which every place differs from its neighbours, and every seed from every other. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 7 + (at >> 16) + seed * 13) & 0xff;
  return bytes;
}

export async function* streamOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export interface WatchedBody extends AsyncIterable<Buffer> {
  /** The generator ended or was made to. */
  readonly finished: () => boolean;
  /** Its `return` was called. */
  readonly returned: () => boolean;
}

export function watched(make: () => AsyncGenerator<Buffer>): WatchedBody {
  let finished = false;
  let returned = false;
  async function* wrapped(): AsyncGenerator<Buffer> {
    try {
      yield* make();
    } finally {
      finished = true;
    }
  }
  return {
    finished: () => finished,
    returned: () => returned,
    [Symbol.asyncIterator]: () => {
      const iterator = wrapped();
      return {
        next: () => iterator.next(),
        return: async () => {
          returned = true;
          return iterator.return(undefined);
        },
      };
    },
  };
}
