/** The part of the contract that is about uploads in parts: begun, sent, listed, gone on with, completed, given up. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { PartBody, PartStore, StoredPart, Upload } from '../../src/remote/remote.js';
import { expectCode, keysOf, pattern } from './bodies.js';
import { expectNothingLeft, KEY, type Subject, UNSAFE_KEYS } from './under-test.js';

/** Small where the store allows it. */
const LEAST_BYTES = 1_000;
const LAST_BYTES = 7;

export function describeParts(on: Subject): void {
  test('a store writes in parts if it writes at all', () => {
    expect(on.remote.parts !== undefined).toBe(on.remote.writable);
  });

  describe('writing in parts', () => {
    let parts: PartStore;
    let upload: Upload;
    /** Two whole parts and a short one. */
    let object: Buffer;
    let bodies: readonly PartBody[];

    beforeEach(async (context) => {
      if (on.remote.parts === undefined) return context.skip();
      parts = on.remote.parts;
      const size = Math.max(parts.minPartBytes, LEAST_BYTES);
      object = patterned(2 * size + LAST_BYTES);
      bodies = bodiesOf(object, size);
      upload = await parts.begin(KEY);
    });

    async function sendAll(): Promise<readonly StoredPart[]> {
      const sent: StoredPart[] = [];
      for (const body of bodies) sent.push(await parts.send(upload, body));
      return sent;
    }
    async function uploads(prefix: string): Promise<readonly Upload[]> {
      const found: Upload[] = [];
      for await (const { key, id } of parts.listUploads(prefix)) found.push({ key, id });
      return found;
    }

    test('makes one object of them, its last part short', async () => {
      const sent = await sendAll();
      expect(sent.map(({ number, bytes }) => [number, bytes])).toEqual(
        bodies.map(({ number, bytes }) => [number, bytes.length]),
      );
      await parts.complete(upload, sent);
      expect(await on.remote.head(KEY)).toEqual({ key: KEY, bytes: object.length });
      expect((await on.remote.read(KEY, object.length)).equals(object)).toBe(true);
      expect(await keysOf(on.remote.list(''))).toEqual([KEY]);
      expect(await on.traces()).toEqual([]);
      await on.remote.flush();
    });

    test('in any order and side by side', async () => {
      await Promise.all(bodies.toReversed().map((body) => parts.send(upload, body)));
      await parts.complete(upload, await parts.listParts(upload));
      expect((await on.remote.read(KEY, object.length)).equals(object)).toBe(true);
    });

    test('an object of one part', async () => {
      const [body] = bodiesOf(Buffer.from('short'), 100);
      await parts.complete(upload, [await parts.send(upload, body!)]);
      expect((await on.remote.read(KEY, 10)).toString()).toBe('short');
    });

    test('lists what the store has, by number, as send told it', async () => {
      expect(await parts.listParts(upload)).toEqual([]);
      const third = await parts.send(upload, bodies[2]!);
      const first = await parts.send(upload, bodies[0]!);
      const bare = (part: StoredPart): unknown => ({ number: part.number, bytes: part.bytes, tag: part.tag });
      expect((await parts.listParts(upload)).map(bare)).toEqual([first, third].map(bare));
      for (const { number, sha256 } of await parts.listParts(upload)) {
        if (sha256 !== undefined) expect(sha256).toBe(bodies[number - 1]!.sha256);
      }
    });

    test('a part of the same number is replaced, also by a shorter one', async () => {
      const [first, second, last] = bodies;
      await parts.send(upload, partBody(1, 0, pattern(first!.bytes.length, 9)));
      await parts.send(upload, last!);
      await parts.send(upload, first!);
      await parts.send(upload, second!);
      const shorter = partBody(3, last!.offset, Buffer.from('end'));
      await parts.send(upload, shorter);
      await parts.complete(upload, await parts.listParts(upload));
      const expected = Buffer.concat([first!.bytes, second!.bytes, shorter.bytes]);
      expect((await on.remote.read(KEY, object.length)).equals(expected)).toBe(true);
    });

    test('nothing is to be seen before it is complete', async () => {
      const sent = await sendAll();
      expect(await on.remote.head(KEY)).toBeUndefined();
      expect(await keysOf(on.remote.list(''))).toEqual([]);
      await expectCode(on.remote.read(KEY, object.length), 'NOT_FOUND');
      await parts.complete(upload, sent);
      expect(await keysOf(on.remote.list(''))).toEqual([KEY]);
    });

    test('another remote of the same place goes on with it', async (context) => {
      if (on.reopen === undefined) return context.skip();
      await parts.send(upload, bodies[1]!);
      const other = await on.reopen();
      const upTo = other.parts!;
      const known = await upTo.listParts(upload);
      expect(known.map(({ number }) => number)).toEqual([2]);
      const missing = bodies.filter(({ number }) => number !== 2);
      for (const body of missing) await upTo.send({ key: upload.key, id: upload.id }, body);
      await upTo.complete(upload, await upTo.listParts(upload));
      await other.close();
      expect((await on.remote.read(KEY, object.length)).equals(object)).toBe(true);
    });

    test('complete on a key that was taken meanwhile: OBJECT_EXISTS, and what is there stays', async () => {
      const sent = await sendAll();
      await on.remote.put(KEY, Buffer.from('first'));
      await expectCode(parts.complete(upload, sent), 'OBJECT_EXISTS');
      expect((await on.remote.read(KEY, 10)).toString()).toBe('first');
      await parts.abort(upload);
      expect(await on.traces()).toEqual([]);
    });

    test('begin on a taken key: OBJECT_EXISTS, and no upload', async () => {
      await parts.abort(upload);
      await on.remote.put(KEY, Buffer.from('first'));
      await expectCode(parts.begin(KEY), 'OBJECT_EXISTS');
      expect(await uploads(KEY)).toEqual([]);
      expect(await on.traces()).toEqual([]);
    });

    test('a part that was never sent makes no object', async () => {
      const sent = await sendAll();
      const wrong = [
        { ...sent[0]!, tag: 'another' },
        { ...sent[1]!, number: 4 },
      ];
      await expect(parts.complete(upload, wrong)).rejects.toMatchObject({ name: 'LakepackError' });
      expect(await keysOf(on.remote.list(''))).toEqual([]);
    });

    test('of two uploads of one key the first completed is the object', async () => {
      const other = await parts.begin(KEY);
      const [small] = bodiesOf(Buffer.from('other'), 100);
      const sent = await sendAll();
      const otherSent = await parts.send(other, small!);
      await parts.complete(upload, sent);
      await expectCode(parts.complete(other, [otherSent]), 'OBJECT_EXISTS');
      expect((await on.remote.read(KEY, object.length)).equals(object)).toBe(true);
      await parts.abort(other);
      expect(await on.traces()).toEqual([]);
    });

    test('what was given up is gone, and giving up twice is fine', async () => {
      await sendAll();
      await parts.abort(upload);
      await parts.abort(upload);
      await expectCode(parts.listParts(upload), 'NOT_FOUND');
      await expectCode(parts.send(upload, bodies[0]!), 'NOT_FOUND');
      await expectNothingLeft(on);
      expect(await uploads('')).toEqual([]);
      await on.remote.put(KEY, Buffer.from('free'));
    });

    test('what was completed has no parts any more, and giving it up leaves the object', async () => {
      await parts.complete(upload, await sendAll());
      await expectCode(parts.listParts(upload), 'NOT_FOUND');
      await parts.abort(upload);
      expect(await on.remote.head(KEY)).toEqual({ key: KEY, bytes: object.length });
    });

    test('unfinished uploads are listed, finished ones are not', async () => {
      const other = await parts.begin(`${KEY}.more`);
      await parts.send(other, bodies[0]!);
      expect(await uploads(KEY)).toEqual(expect.arrayContaining([upload]));
      expect(await uploads(`${KEY}.more`)).toEqual([other]);
      expect(await uploads('manifests/')).toEqual([]);
      await parts.complete(upload, await sendAll());
      await parts.abort(other);
      expect(await uploads(KEY)).toEqual([]);
      expect(await uploads(`${KEY}.more`)).toEqual([]);
    });

    test('a SHA-256 that is not that of the part: HASH_MISMATCH, or it is not looked at', async () => {
      const result = await parts.send(upload, { ...bodies[0]!, sha256: '0'.repeat(64) }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (result !== undefined) expect(result).toMatchObject({ code: 'HASH_MISMATCH' });
      await parts.complete(upload, await sendAll());
      expect((await on.remote.read(KEY, object.length)).equals(object)).toBe(true);
    });

    test('the checksum of the object is that of its bytes or of its parts, or there is none', async () => {
      await parts.complete(upload, await sendAll());
      const found = await on.remote.checksum(KEY);
      const digests = Buffer.concat(bodies.map(({ sha256 }) => Buffer.from(sha256, 'hex')));
      const expected = {
        composite: { type: 'composite', sha256: sha256Of(digests), parts: bodies.length },
        full: { type: 'full', sha256: sha256Of(object), parts: 1 },
      };
      if (found !== undefined) expect(found).toEqual(expected[found.type]);
    });

    test('an aborted signal interrupts every call', async () => {
      const options = { signal: AbortSignal.abort() };
      const sent = await sendAll();
      await expectCode(parts.begin('other', options), 'INTERRUPTED');
      await expectCode(parts.send(upload, bodies[0]!, options), 'INTERRUPTED');
      await expectCode(parts.listParts(upload, options), 'INTERRUPTED');
      await expectCode(parts.complete(upload, sent, options), 'INTERRUPTED');
      await expectCode(parts.abort(upload, options), 'INTERRUPTED');
      await expectCode(keysOfUploads(parts, options), 'INTERRUPTED');
      await parts.complete(upload, sent);
    });

    test('refuses keys and prefixes that are no lake paths', async () => {
      for (const key of UNSAFE_KEYS) await expectCode(parts.begin(key), 'PATH_UNSAFE');
      for (const prefix of ['../', '/', 'a//', 'a\0']) await expectCode(uploads(prefix), 'PATH_UNSAFE');
    });
  });
}

async function keysOfUploads(parts: PartStore, options: { readonly signal: AbortSignal }): Promise<number> {
  let count = 0;
  for await (const _upload of parts.listUploads('', options)) count += 1;
  return count;
}

function bodiesOf(object: Buffer, size: number): readonly PartBody[] {
  const bodies: PartBody[] = [];
  for (let offset = 0; offset < object.length; offset += size) {
    bodies.push(partBody(bodies.length + 1, offset, object.subarray(offset, offset + size)));
  }
  return bodies;
}

function partBody(number: number, offset: number, bytes: Buffer): PartBody {
  return { number, offset, bytes, sha256: sha256Of(bytes) };
}

/** Made once for each size: those of a real store are large. */
const patterns = new Map<number, Buffer>();

function patterned(length: number): Buffer {
  const known = patterns.get(length) ?? pattern(length);
  patterns.set(length, known);
  return known;
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
