/** The read-only wrapper reads like what it wraps, and refuses the rest. */
import { readOnly } from '../../src/remote/read-only.js';
import { describeRemote } from './contract.js';
import { openMemoryRemote } from './memory.js';

describeRemote('read-only', async () => {
  const writer = openMemoryRemote();
  return { remote: readOnly(writer), writer };
});
