/** The listing of an archive, for tests. */
import { type ArchivePlace, archiveAt } from '../../src/archive/archive.js';
import type { ExportRef } from '../../src/archive/layout.js';

export async function listExports(place: ArchivePlace): Promise<ExportRef[]> {
  const archive = await archiveAt(place, { mode: 'read' });
  try {
    const refs: ExportRef[] = [];
    for await (const ref of archive.list()) refs.push(ref);
    return refs;
  } finally {
    await archive.close();
  }
}
