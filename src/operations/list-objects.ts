/** The objects of a remote, whoever put them there, one at a time. */
import { openRemote } from '../remote/open.js';
import type { RemoteLocation } from '../remote/location.js';
import type { ObjectInfo } from '../remote/remote.js';

export interface ListObjectsOptions {
  readonly remote: string | RemoteLocation;
  /** Keys that begin with it. Default: all. */
  readonly prefix?: string;
  readonly signal?: AbortSignal;
}

export type ListedObject = Pick<ObjectInfo, 'key' | 'bytes' | 'storedAt'>;

/** In the byte order of keys. Throws as opening and listing do; a listing that ends was complete. */
export async function* listObjects(options: ListObjectsOptions): AsyncGenerator<ListedObject> {
  const { remote: location, prefix = '', signal } = options;
  const remote = await openRemote(location, { mode: 'read' });
  try {
    yield* remote.list(prefix, { withTimes: true, ...(signal && { signal }) });
  } finally {
    await remote.close();
  }
}
