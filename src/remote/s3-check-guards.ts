/** Probes of what guards an object: writing a name once, conditions, hashes; and copies inside the store. */
import { sha256Of } from '../base/sha256.js';
import { createHash } from 'node:crypto';
import { CopyObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { errorOf, get, keyFor, NOTHING_TO_READ, put, readable } from './s3-check-objects.js';
import { failed, missing, skipped, statusOf, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';

export const GUARD_PROBES: readonly Probe[] = [
  {
    ...{
      id: 'create-only',
      action: 'PutObject',
      tries: 'a name that is taken is refused (If-None-Match: *)',
      neededFor: 'nothing',
    },
    ...{ after: ['delete'], stores: true, run: tryCreateOnly },
    instead: 'the name is looked up before; a manifest is read back after',
  },
  {
    ...{
      id: 'create-only-race',
      action: 'PutObject',
      tries: 'of two writers at once exactly one wins',
      neededFor: 'nothing',
    },
    ...{ after: ['create-only'], stores: true, run: tryRace },
    instead: 'do not let two machines pack the same partition at the same time',
  },
  {
    ...{
      id: 'condition-read',
      action: 'GetObject',
      tries: 'If-Match and If-None-Match of reads are heeded',
      neededFor: 'nothing',
    },
    ...{ after: ['delete', 'get'], instead: 'not used: objects never change', run: tryConditions },
  },
  {
    ...{
      id: 'payload-hash',
      action: 'PutObject',
      tries: 'a body is compared with its announced SHA-256',
      neededFor: 'nothing',
    },
    ...{ after: ['delete'], stores: true, run: tryPayloadHash },
    instead: 'what was stored is read back before its manifest is written',
  },
  {
    ...{
      id: 'checksum',
      action: 'PutObject',
      tries: 'SHA-256 of objects are compared, kept and told',
      neededFor: 'nothing',
    },
    ...{ after: ['delete'], stores: true, run: tryChecksum },
    instead: 'what was stored is read back before its manifest is written',
  },
  {
    ...{
      id: 'copy',
      action: 'CopyObject',
      tries: 'the store copies an object by itself',
      neededFor: 'nothing',
      after: ['delete'],
    },
    ...{ stores: true, instead: 'bytes go through this machine', run: tryCopy },
  },
];

async function tryCreateOnly(check: S3Check): Promise<Seen> {
  const key = keyFor(check, 'create only');
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  await put(check, key, first, { IfNoneMatch: '*' });
  const error = await errorOf(put(check, key, second, { IfNoneMatch: '*' }));
  const isKept = (await get(check, key)).equals(first);
  if (isKept && (statusOf(error) === 412 || statusOf(error) === 409)) return works();
  if (error !== undefined && isKept) throw error;
  const seen = missing('the condition is ignored: the object was overwritten');
  return check.settings.provider.createOnly.put ? unlikeProfile(check, seen) : seen;
}

/** lakepack goes by the profile: what the profile promises and the store does not have is said. */
function unlikeProfile({ settings }: S3Check, seen: Seen): Seen {
  const instead = `lakepack counts on it, because ${settings.provider.label} has it elsewhere`;
  const fix = 'set provider to generic: then nothing is counted on';
  return { ...seen, instead, fix, problem: 'warning', code: 'REMOTE_MISCONFIGURED' };
}

async function tryRace(check: S3Check): Promise<Seen> {
  const key = keyFor(check, 'race');
  const bodies = ['one', 'two', 'three', 'four'].map((text) => Buffer.from(text));
  const errors = await Promise.all(bodies.map((body) => errorOf(put(check, key, body, { IfNoneMatch: '*' }))));
  const winners = bodies.filter((_, index) => errors[index] === undefined);
  const kept = await get(check, key);
  if (winners.length === 1 && winners[0]?.equals(kept) === true) return works();
  return missing(`${winners.length} of ${bodies.length} were told that they won`);
}

async function tryConditions(check: S3Check): Promise<Seen> {
  const key = readable(check)?.key;
  if (key === undefined) return skipped(NOTHING_TO_READ);
  const same = await errorOf(get(check, key, { IfMatch: '"00000000000000000000000000000000"' }));
  return statusOf(same) === 412 ? works() : missing('a condition that does not hold is answered with the object');
}

async function tryPayloadHash(check: S3Check): Promise<Seen> {
  const key = keyFor(check, 'wrong hash');
  const command = new PutObjectCommand({ Bucket: check.settings.bucket, Key: key, Body: Buffer.from('these bytes') });
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256Of('other bytes');
      return await next(args);
    },
    { step: 'build', name: 'announceWrongHash' },
  );
  const error = await errorOf(check.client.send(command, { abortSignal: check.signal }));
  return error === undefined ? missing('a body that is not what was announced is stored') : works();
}

async function tryChecksum(check: S3Check): Promise<Seen> {
  const key = keyFor(check, 'checksum');
  const bytes = Buffer.from('bytes with a checksum');
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  await put(check, key, bytes, { ChecksumSHA256: sha256 });
  const command = new HeadObjectCommand({ Bucket: check.settings.bucket, Key: key, ChecksumMode: 'ENABLED' });
  const told = (await check.client.send(command, { abortSignal: check.signal })).ChecksumSHA256;
  const wrong = createHash('sha256').update('other bytes').digest('base64');
  const error = await errorOf(put(check, keyFor(check, 'wrong checksum'), bytes, { ChecksumSHA256: wrong }));
  const isCompared = error !== undefined;
  if (isCompared && told === sha256) return works();
  const seen = missing(`accepted, ${isCompared ? '' : 'not '}compared, ${told === sha256 ? '' : 'not '}told`);
  return check.settings.provider.sha256Checksums ? unlikeProfile(check, seen) : seen;
}

async function tryCopy(check: S3Check): Promise<Seen> {
  const { object } = check.facts;
  if (object === undefined) return skipped(NOTHING_TO_READ);
  const key = keyFor(check, 'copy');
  const source = `${check.settings.bucket}/${object.key.split('/').map(encodeURIComponent).join('/')}`;
  const command = new CopyObjectCommand({ Bucket: check.settings.bucket, Key: key, CopySource: source });
  await check.client.send(command, { abortSignal: check.signal });
  return (await get(check, key)).equals(object.bytes) ? works() : failed('other bytes than those of the source');
}
