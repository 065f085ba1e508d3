/** The in-memory remote of the tests keeps the contract too, with small and with large chunks. */
import { describeRemote } from './contract.js';
import { openMemoryRemote } from './memory.js';

describeRemote('memory', async () => {
  const remote = openMemoryRemote();
  return { remote, reopen: async () => openMemoryRemote({ store: remote.store }) };
});
describeRemote('memory, in chunks of 100,000 bytes, with checksums', async () => ({
  remote: openMemoryRemote({ chunkBytes: 100_000, checksums: true, distant: true }),
}));
