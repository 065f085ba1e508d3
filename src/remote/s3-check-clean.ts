/** Removes what a check wrote: uploads, objects, and on a bucket with versions every version of them. */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { forEachBounded } from './bounded.js';
import { nameOf, statusOf, type S3Check } from './s3-check-run.js';

const AT_ONCE = 8;

interface Left {
  readonly key: string;
  readonly version?: string;
}

/** Resolves with what could not be removed, as people should read it. Throws nothing: a check has its result already. */
export async function cleanUp(check: S3Check): Promise<readonly string[]> {
  const { keys, uploads } = check.facts;
  if (keys.size === 0 && uploads.size === 0) return [];
  const stuck: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isGone(error)) stuck.push(`${what} (${nameOf(error)})`);
    }
  };
  await forEachBounded(await begunUploads(check), AT_ONCE, ([id, key]) =>
    attempt(`an upload of ${key}`, () => abort(check, key, id)),
  );
  await forEachBounded(await writtenObjects(check), AT_ONCE, (one) => attempt(one.key, () => remove(check, one)));
  return [...new Set(stuck)].sort();
}

function isGone(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Those this check knows of, and those whose answer was lost. */
async function begunUploads(check: S3Check): Promise<readonly (readonly [string, string])[]> {
  const uploads = new Map(check.facts.uploads);
  const command = new ListMultipartUploadsCommand({ Bucket: check.settings.bucket, Prefix: check.scratch });
  const { Uploads: listed = [] } = await orNothing(check.client.send(command, { abortSignal: check.signal }));
  for (const { UploadId: id, Key: key } of listed) if (id !== undefined && key !== undefined) uploads.set(id, key);
  return [...uploads];
}

async function writtenObjects(check: S3Check): Promise<readonly Left[]> {
  const naming = { Bucket: check.settings.bucket, Prefix: check.scratch };
  const call = { abortSignal: check.signal };
  const versions = await orNothing(check.client.send(new ListObjectVersionsCommand(naming), call));
  const all = [...(versions.Versions ?? []), ...(versions.DeleteMarkers ?? [])];
  const listed = all.flatMap(({ Key: key, VersionId: version }) =>
    key === undefined ? [] : [{ key, ...(version !== undefined && version !== 'null' && { version }) }],
  );
  if (listed.length > 0) return listed;
  const objects = await orNothing(check.client.send(new ListObjectsV2Command(naming), call));
  const keys = (objects.Contents ?? []).flatMap(({ Key: key }) => (key === undefined ? [] : [{ key }]));
  // Where nothing may be listed, what may have been written is removed by name.
  return objects.Contents === undefined && objects.KeyCount === undefined
    ? [...check.facts.keys].map((key) => ({ key }))
    : keys;
}

/** A listing that is refused, or that a store does not have, is why the names are remembered as well. */
async function orNothing<T extends object>(answer: Promise<T>): Promise<Partial<T>> {
  return await answer.catch(() => ({}));
}

async function abort({ client, settings, signal }: S3Check, key: string, id: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: settings.bucket, Key: key, UploadId: id });
  await client.send(command, { abortSignal: signal });
}

async function remove({ client, settings, signal }: S3Check, { key, version }: Left): Promise<void> {
  const naming = { Bucket: settings.bucket, Key: key, ...(version !== undefined && { VersionId: version }) };
  await client.send(new DeleteObjectCommand(naming), { abortSignal: signal });
}
