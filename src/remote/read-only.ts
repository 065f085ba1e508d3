/** A remote that refuses to write, around any other. It answers for a reader never changing an archive by mistake. */
import { LakepackError } from '../base/errors.js';
import { openBody } from './body.js';
import type { Remote } from './remote.js';

/** `put`, `copy` and `delete` throw PERMISSION_DENIED; a body is closed unread. */
export function readOnly(remote: Remote): Remote {
  return {
    url: remote.url,
    identity: remote.identity,
    writable: false,
    isDistant: remote.isDistant,
    parts: undefined,
    head: (key, options) => remote.head(key, options),
    read: (key, maxBytes, options) => remote.read(key, maxBytes, options),
    readRange: (key, range, options) => remote.readRange(key, range, options),
    stream: (key, range, options) => remote.stream(key, range, options),
    checksum: (key, options) => remote.checksum(key, options),
    link: (key, seconds) => remote.link(key, seconds),
    list: (prefix, options) => remote.list(prefix, options),
    put: async (key, body) => {
      await openBody(body, undefined).close();
      throw refused(remote, key);
    },
    copy: async (_from, _fromKey, key) => {
      throw refused(remote, key);
    },
    delete: async (key) => {
      throw refused(remote, key);
    },
    flush: async () => undefined,
    close: () => remote.close(),
  };
}

function refused(remote: Remote, key: string): LakepackError {
  return new LakepackError('PERMISSION_DENIED', `${key}: ${remote.url} is open for reading only`, {
    retryable: false,
  });
}
