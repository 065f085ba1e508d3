/** Where a bundle's stored bytes come from. `bundle/` knows no remotes: archives and lone files both give one. */
import { open } from 'node:fs/promises';
import { LakepackError } from '../base/errors.js';

export interface ByteSource {
  /** Object name, for messages. */
  readonly name: string;
  readonly bytes: number;
  /** Exactly `length` bytes from `offset`. @param into lent for them; what comes back may be another buffer. */
  read(offset: number, length: number, into?: Buffer): Promise<Buffer>;
  /** The bytes from `offset` to `offset + length`, as they arrive. */
  stream(offset: number, length: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

/** A bundle file on this disk. Throws the system error when it cannot be opened. */
export async function openFileSource(diskPath: string, name: string): Promise<ByteSource> {
  const handle = await open(diskPath, 'r');
  const { size } = await handle.stat();
  async function read(offset: number, length: number, into = Buffer.allocUnsafe(length)): Promise<Buffer> {
    const buffer = into.subarray(0, length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw endedEarly(name, offset + length, offset + filled);
      filled += bytesRead;
    }
    return buffer;
  }
  async function* stream(offset: number, length: number): AsyncGenerator<Buffer> {
    for (let at = offset; at < offset + length; at += CHUNK_BYTES) {
      yield await read(at, Math.min(CHUNK_BYTES, offset + length - at));
    }
  }
  return { name, bytes: size, read, stream, close: () => handle.close() };
}

function endedEarly(name: string, expected: number, found: number): LakepackError {
  return new LakepackError(
    'BUNDLE_INVALID',
    `${name}: the file ended early: expected ${expected} bytes, got ${found}`,
    {
      hint: 'the file changed while it was read, or is damaged: verify it and take another copy',
    },
  );
}
