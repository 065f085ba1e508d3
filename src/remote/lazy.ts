/**
 * A remote that is opened when it is first asked, for reading: a fallback that nobody needs costs nothing, and one that
 * cannot be opened fails only the calls that needed it.
 */
import type { Remote } from './remote.js';
import { readOnly } from './read-only.js';

/** @param url how it is shown before it is open. @param open tried once; its error is thrown by every call. */
export function lazyRemote(url: string, open: () => Promise<Remote>): Remote {
  let opening: Promise<Remote> | undefined;
  function use(): Promise<Remote> {
    opening ??= open();
    return opening;
  }
  return readOnly({
    url,
    identity: url,
    writable: false,
    isDistant: true,
    parts: undefined,
    head: async (key, options) => await (await use()).head(key, options),
    read: async (key, maxBytes, options) => await (await use()).read(key, maxBytes, options),
    readRange: async (key, range, options) => await (await use()).readRange(key, range, options),
    stream: async function* (key, range, options) {
      yield* (await use()).stream(key, range, options);
    },
    put: async () => 0,
    copy: async () => false,
    checksum: async (key, options) => await (await use()).checksum(key, options),
    link: async (key, seconds) => await (await use()).link(key, seconds),
    list: async function* (prefix, options) {
      yield* (await use()).list(prefix, options);
    },
    delete: async () => undefined,
    flush: async () => undefined,
    close: async () => {
      // One that failed to open has nothing to close, and its error was told to who asked.
      const opened = await opening?.catch(() => undefined);
      await opened?.close();
    },
  });
}
