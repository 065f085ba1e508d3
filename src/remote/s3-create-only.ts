/**
 * Create-only in an S3 store: the store decides where its profile says that it does, elsewhere the key is looked up
 * first, and two who write it in the same instant can both pass: then the later one stands.
 */
import { type CopyObjectCommand, GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { isLakepackError } from '../base/errors.js';
import { objectExists } from './keys.js';
import type { CallOptions } from './remote.js';
import { ask, type S3Store, withHeader } from './s3-client.js';
import { causeName } from './s3-fault.js';
import { headObject } from './s3-read.js';

export type CreatingCall = 'put' | 'complete' | 'copy';

/** R2 has a header of its own for the target of a copy. */
const R2_COPY_HEADER = 'cf-copy-destination-if-none-match';

/** The header, where it is honoured. */
export function ifAbsent(store: S3Store, call: CreatingCall): { readonly IfNoneMatch?: '*' } {
  const { createOnly, name } = store.settings.provider;
  return createOnly[call] && !(call === 'copy' && name === 'r2') ? { IfNoneMatch: '*' } : {};
}

/** The same for a copy in R2; does nothing elsewhere. */
export function announceCopy(store: S3Store, command: CopyObjectCommand): CopyObjectCommand {
  return store.settings.provider.name === 'r2' ? withHeader(command, R2_COPY_HEADER, '*') : command;
}

/** Looks the key up where the store would not. @throws OBJECT_EXISTS. */
export async function refuseTaken(
  store: S3Store,
  call: CreatingCall,
  key: string,
  options: CallOptions,
): Promise<void> {
  if (!(await isDecidedThere(store, call, options))) await refuseExisting(store, key, options);
}

async function isDecidedThere(store: S3Store, call: CreatingCall, options: CallOptions): Promise<boolean> {
  const { createOnly } = store.settings.provider;
  return createOnly[call] && (createOnly.inVersioned || !(await keepsVersions(store, options)));
}

/** Asked once. Whoever may not know it looks keys up. */
async function keepsVersions(store: S3Store, options: CallOptions): Promise<boolean> {
  store.known.keepsVersions ??= await askVersioning(store, options);
  return store.known.keepsVersions;
}

async function askVersioning(store: S3Store, options: CallOptions): Promise<boolean> {
  try {
    const command = new GetBucketVersioningCommand({ Bucket: store.settings.bucket });
    const { Status } = await ask(store, { action: 'GetBucketVersioning' }, options, (client, send) =>
      client.send(command, send),
    );
    return Status !== undefined;
  } catch (error) {
    if (isLakepackError(error, 'PERMISSION_DENIED')) return true;
    throw error;
  }
}

/** Looks the key up: nobody sends 4 GiB to learn that they are there. @throws OBJECT_EXISTS. */
export async function refuseExisting(store: S3Store, key: string, options: CallOptions): Promise<void> {
  if ((await headObject(store, key, options)) !== undefined) throw objectExists(key);
}

/**
 * Runs a create-only call. AWS answers 409 while another one makes the same key: if that one is done, the key is taken,
 * and if not the call may be repeated.
 */
export async function creating<T>(
  store: S3Store,
  key: string,
  options: CallOptions,
  create: () => Promise<T>,
): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (isLakepackError(error) && causeName(error) === 'ConditionalRequestConflict') {
      await refuseExisting(store, key, options);
    }
    throw error;
  }
}
