/** The in-memory remote of the tests keeps the contract too, with small and with large chunks. */
import { describeRemote } from './contract.js';
import { openMemoryRemote } from './memory.js';

describeRemote('memory', async () => ({ remote: openMemoryRemote() }));
describeRemote('memory, in chunks of 100,000 bytes', async () => ({ remote: openMemoryRemote(100_000) }));
