/** Exports that an unfinished run on this machine goes on with: what they have stored is no garbage. */
import { parseBundleKey } from '../../archive/layout.js';
import { UploadJournal } from '../../archive/upload-journal.js';
import { unfinishedExports } from '../packing/pack-journal.js';

/** Ids. @param identity of the remote. */
export async function sparedExports(stateDir: string, identity: string): Promise<ReadonlySet<string>> {
  const packs = await unfinishedExports(stateDir);
  const journal = await UploadJournal.open(stateDir, identity);
  const uploads = (await journal.all()).flatMap(({ key }) => parseBundleKey(key)?.exportId ?? []);
  await journal.close();
  return new Set([...packs.map(({ exportId }) => exportId), ...uploads]);
}
