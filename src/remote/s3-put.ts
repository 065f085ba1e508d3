/**
 * Stores an object whole. It answers for a body of unknown length becoming one request, or an upload in parts that
 * leaves nothing when it fails; for bodies being closed; and for what is sent being announced with its SHA-256.
 */
import { sha256Of } from '../base/sha256.js';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/limits.js';
import { type BodyReader, openBody } from './body.js';
import { forEachBounded } from './bounded.js';
import type { CallOptions, PartBody, PutOptions, StoredPart } from './remote.js';
import { announcePayload, ask, hexToBase64, objectOf, type S3Store } from './s3-client.js';
import { creating, ifAbsent, refuseExisting, refuseTaken } from './s3-create-only.js';
import { objectSettings } from './s3-object-settings.js';
import { abortUpload, beginUpload, completeUpload, sendPart } from './s3-parts.js';

/** As large as the blocks of a bundle: 10,000 of them are the most that a body may have. */
const PART_BYTES = BLOCK_BYTES;
/** Each holds a part in memory, and there may be several puts. */
const MAX_PARTS_AT_ONCE = 4;

export async function putObject(
  store: S3Store,
  key: string,
  body: Buffer | AsyncIterable<Buffer>,
  options: PutOptions = {},
): Promise<number> {
  const reader = openBody(body, options.signal);
  try {
    // Refuses the key before anything is asked or read.
    objectOf(store, key);
    throwIfAborted(options.signal);
    if (Buffer.isBuffer(body)) {
      await refuseTaken(store, 'put', key, options);
      return await putBuffer(store, key, body, options);
    }
    await refuseExisting(store, key, options);
    return await putStream(store, key, reader, options);
  } finally {
    await reader.close();
  }
}

async function putBuffer(store: S3Store, key: string, body: Buffer, options: PutOptions): Promise<number> {
  const sha256 = options.sha256 ?? sha256Of(body);
  const command = announcePayload(
    new PutObjectCommand({
      ...objectOf(store, key),
      ...objectSettings(store.settings, key),
      ...ifAbsent(store, 'put'),
      ...(store.settings.provider.sha256Checksums ? { ChecksumSHA256: hexToBase64(sha256) } : {}),
      Body: body,
      ContentLength: body.length,
    }),
    sha256,
  );
  const answer = await creating(store, key, options, () =>
    ask(store, { action: 'PutObject', key }, options, (client, send) => client.send(command, send)),
  );
  if (answer.ETag === undefined) throw notStored(key);
  return body.length;
}

/** What answers 200 to everything is a web server. */
function notStored(key: string): LakepackError {
  return new LakepackError(
    'REMOTE_MISCONFIGURED',
    `${key}: what answered is not an S3 store: it gave the object no tag`,
    {
      hint: "check the endpoint: it is the address of the store's S3 API",
      retryable: false,
    },
  );
}

async function putStream(store: S3Store, key: string, reader: BodyReader, options: CallOptions): Promise<number> {
  const blocks = readBlocks(reader, options.signal);
  const first = await blocks.next();
  if (first.done === true) return putUnlessTaken(store, key, Buffer.alloc(0), options);
  const second = await blocks.next();
  if (second.done === true) return putUnlessTaken(store, key, first.value, options);
  return putParts(store, key, chained([first.value, second.value], blocks), options);
}

/** The look before the body was read is old by now. */
async function putUnlessTaken(store: S3Store, key: string, body: Buffer, options: CallOptions): Promise<number> {
  await refuseTaken(store, 'put', key, options);
  return putBuffer(store, key, body, options);
}

async function* chained(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first;
  yield* rest;
}

/** The body in blocks of one size, the last may be shorter. Chunks are copied: a body may use its buffers again. */
async function* readBlocks(reader: BodyReader, signal: AbortSignal | undefined): AsyncGenerator<Buffer, undefined> {
  let block = Buffer.allocUnsafeSlow(PART_BYTES);
  let filled = 0;
  for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
    throwIfAborted(signal);
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(block, filled, at);
      at += taken;
      filled += taken;
      if (filled < PART_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafeSlow(PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
  return undefined;
}

/** An upload that nobody journals: this process ends it, or gives it up. */
async function putParts(
  store: S3Store,
  key: string,
  blocks: AsyncIterable<Buffer>,
  options: CallOptions,
): Promise<number> {
  const upload = await beginUpload(store, key, options);
  try {
    const parts = await sendAll(blocks, Math.min(store.settings.provider.partsAtOnce, MAX_PARTS_AT_ONCE), (part) =>
      sendPart(store, upload, part, options),
    );
    await completeUpload(store, upload, parts, options);
    return parts.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch (error) {
    // Its own signal: an abort must not keep the parts. What cannot be given up now, `prune --uploads` finds.
    await abortUpload(store, upload, {}).catch(() => undefined);
    throw error;
  }
}

/** Reads one block after the other while others are on their way. */
async function sendAll(
  blocks: AsyncIterable<Buffer>,
  atOnce: number,
  send: (part: PartBody) => Promise<StoredPart>,
): Promise<readonly StoredPart[]> {
  const iterator = blocks[Symbol.asyncIterator]();
  const parts: StoredPart[] = [];
  let number = 0;
  let reading: Promise<PartBody | undefined> = Promise.resolve(undefined);
  // Taking turns: one worker reads at a time, so numbers follow the order of the body.
  function take(): Promise<PartBody | undefined> {
    reading = reading.then(async () => {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      number += 1;
      return { number, offset: (number - 1) * PART_BYTES, bytes: next.value, sha256: sha256Of(next.value) };
    });
    return reading;
  }
  let isFailed = false;
  await forEachBounded(Array.from({ length: atOnce }), atOnce, async () => {
    try {
      for (let part = await take(); part !== undefined && !isFailed; part = await take()) parts.push(await send(part));
    } catch (error) {
      isFailed = true;
      throw error;
    }
  });
  return parts.toSorted((a, b) => a.number - b.number);
}
