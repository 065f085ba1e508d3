/** Probes of single objects: write, read, read a part, remove. What the others need for theirs stands here too. */
import { randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type GetObjectCommandInput,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { failed, missing, skipped, statusOf, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';

const OBJECT_BYTES = 1024;
const ALLOW_DELETE = 'allow s3:DeleteObject below the prefix, or let a lifecycle rule remove what is left';

export const OBJECT_PROBES: readonly Probe[] = [
  {
    ...{
      id: 'put',
      action: 'PutObject',
      tries: 'an object can be written',
      neededFor: 'writing',
      after: ['list'],
      stores: true,
    },
    ...{ fix: 'allow s3:PutObject below the prefix', run: tryPut },
  },
  {
    ...{
      id: 'delete',
      action: 'DeleteObject',
      tries: 'an object can be removed',
      neededFor: 'nothing',
      after: ['put'],
      stores: true,
    },
    ...{ instead: 'what an interrupted run leaves stays there; nothing depends on it', fix: ALLOW_DELETE },
    run: tryDelete,
  },
  {
    ...{
      id: 'delete-absent',
      action: 'DeleteObject',
      tries: 'removing what is not there is no error',
      neededFor: 'nothing',
      after: ['delete'],
    },
    ...{ instead: 'such an answer counts as removed', run: tryDeleteAbsent },
  },
  {
    ...{
      id: 'head',
      action: 'HeadObject',
      tries: 'the size of an object is told',
      neededFor: 'reading',
      after: ['list'],
    },
    ...{ fix: 'allow s3:GetObject below the prefix', run: tryHead },
  },
  {
    ...{
      id: 'get',
      action: 'GetObject',
      tries: 'an object is read as it was written',
      neededFor: 'reading',
      after: ['list'],
    },
    ...{ fix: 'allow s3:GetObject below the prefix', run: tryGet },
  },
  {
    ...{
      id: 'range',
      action: 'GetObject',
      tries: 'a part of an object can be read',
      neededFor: 'reading',
      after: ['get'],
      run: tryRange,
    },
    fix: 'the store, or a proxy before it, must answer Range requests with 206',
  },
  {
    ...{
      id: 'range-suffix',
      action: 'GetObject',
      tries: 'the last bytes can be asked for',
      neededFor: 'nothing',
      after: ['range'],
    },
    ...{ instead: 'ranges are asked for from the beginning; sizes are in the manifest', run: tryRangeSuffix },
  },
  {
    ...{
      id: 'range-past-end',
      action: 'GetObject',
      tries: 'a range behind the end is refused (416)',
      neededFor: 'nothing',
      after: ['range'],
    },
    ...{ instead: 'the length of every answer is compared', run: tryRangePastEnd },
  },
  {
    ...{
      id: 'content-encoding',
      action: 'PutObject',
      tries: 'bytes are not packed or unpacked on the way',
      neededFor: 'reading',
    },
    ...{ after: ['delete'], stores: true, run: tryContentEncoding },
    fix: 'switch compression off for this address: what is stored is compressed already',
  },
];

/** Where an object of the check stands; from then on the cleaning knows of it. */
export function keyFor({ scratch, facts }: S3Check, name: string): string {
  const key = `${scratch}${name}`;
  facts.keys.add(key);
  return key;
}

export async function put(
  check: S3Check,
  key: string,
  bytes: Buffer,
  more: Partial<PutObjectCommandInput> = {},
): Promise<void> {
  const command = new PutObjectCommand({ Bucket: check.settings.bucket, Key: key, Body: bytes, ...more });
  await check.client.send(command, { abortSignal: check.signal });
}

export async function get(check: S3Check, key: string, more: Partial<GetObjectCommandInput> = {}): Promise<Buffer> {
  return (await answerOf(check, key, more)).bytes;
}

async function answerOf(
  check: S3Check,
  key: string,
  more: Partial<GetObjectCommandInput>,
): Promise<{ readonly bytes: Buffer; readonly encoding: string | undefined; readonly status: number | undefined }> {
  const command = new GetObjectCommand({ Bucket: check.settings.bucket, Key: key, ...more });
  const answer = await check.client.send(command, { abortSignal: check.signal });
  const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
  return { bytes, encoding: answer.ContentEncoding, status: answer.$metadata.httpStatusCode };
}

async function head(check: S3Check, key: string): Promise<number | undefined> {
  const command = new HeadObjectCommand({ Bucket: check.settings.bucket, Key: key });
  return (await check.client.send(command, { abortSignal: check.signal })).ContentLength;
}

export async function remove(check: S3Check, key: string): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket: check.settings.bucket, Key: key });
  await check.client.send(command, { abortSignal: check.signal });
}

/** The error of a request, or undefined when it was answered well. */
export async function errorOf(request: Promise<unknown>): Promise<Error | undefined> {
  return await request.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error('failed without a reason')),
  );
}

async function tryPut(check: S3Check): Promise<Seen> {
  await put(check, keyFor(check, 'first'), randomBytes(OBJECT_BYTES));
  return works();
}

async function tryDelete(check: S3Check): Promise<Seen> {
  const key = keyFor(check, 'first');
  await remove(check, key);
  const error = await errorOf(head(check, key));
  if (error === undefined) return failed('the answer was well, and the object is still there');
  const object = { key: keyFor(check, 'object'), bytes: randomBytes(OBJECT_BYTES) };
  await put(check, object.key, object.bytes);
  check.facts.object = object;
  return works();
}

async function tryDeleteAbsent(check: S3Check): Promise<Seen> {
  const error = await errorOf(remove(check, keyFor(check, 'never written')));
  if (error === undefined) return works();
  if (statusOf(error) === 404) return missing('answers 404');
  throw error;
}

/** An object to read: the one of this check, or, where the key may not write, one that was there. */
export function readable({ facts }: S3Check): { readonly key: string; readonly bytes: number } | undefined {
  return facts.object === undefined ? facts.sample : { key: facts.object.key, bytes: facts.object.bytes.length };
}

export const NOTHING_TO_READ = 'nothing is there to read';

async function tryHead(check: S3Check): Promise<Seen> {
  const object = readable(check);
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const bytes = await head(check, object.key);
  return bytes === object.bytes ? works() : failed(`expected ${object.bytes} bytes, got ${bytes ?? 'none'}`);
}

async function tryGet(check: S3Check): Promise<Seen> {
  const object = readable(check);
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const written = check.facts.object?.bytes;
  // Of an object that was there, a little is enough: it may be a bundle of gigabytes.
  const bytes = await get(check, object.key, written === undefined ? { Range: 'bytes=0-0' } : {});
  if (written === undefined) return works('an object that was there');
  return bytes.equals(written) ? works() : failed('other bytes than those that were written');
}

async function tryRange(check: S3Check): Promise<Seen> {
  const object = readable(check);
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const last = Math.min(object.bytes, 200) - 1;
  const first = Math.min(100, last);
  const { bytes, status } = await answerOf(check, object.key, { Range: `bytes=${first}-${last}` });
  const written = check.facts.object?.bytes.subarray(first, last + 1);
  const isRight = written === undefined ? bytes.length === last + 1 - first : bytes.equals(written);
  if (isRight && status === 206) return works();
  return failed(`expected ${last + 1 - first} bytes with status 206, got ${bytes.length} with ${status ?? 0}`);
}

async function tryRangeSuffix(check: S3Check): Promise<Seen> {
  const object = readable(check);
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const wanted = Math.min(10, object.bytes);
  const bytes = await get(check, object.key, { Range: `bytes=-${wanted}` });
  const written = check.facts.object?.bytes.subarray(-wanted);
  const isRight = written === undefined ? bytes.length === wanted : bytes.equals(written);
  return isRight ? works() : missing(`expected the last ${wanted} bytes, got ${bytes.length}`);
}

async function tryRangePastEnd(check: S3Check): Promise<Seen> {
  const object = readable(check);
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const range = `bytes=${object.bytes + 10}-${object.bytes + 20}`;
  const error = await errorOf(get(check, object.key, { Range: range }));
  if (statusOf(error) === 416) return works();
  if (error === undefined) return missing('answers with bytes');
  throw error;
}

async function tryContentEncoding(check: S3Check): Promise<Seen> {
  const bytes = Buffer.from('what compresses well. '.repeat(400));
  const key = keyFor(check, 'text.txt');
  await put(check, key, bytes, { ContentType: 'text/plain' });
  const answer = await answerOf(check, key, {});
  if (answer.encoding !== undefined && answer.encoding !== '') return failed(`content-encoding: ${answer.encoding}`);
  return answer.bytes.equals(bytes) ? works() : failed('other bytes than those that were written');
}
