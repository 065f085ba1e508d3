/** Runs an inspector over bytes, in chunks of a given size. */
import { openInspector, type Inspection, type InspectMode } from '../../../src/lake/inspect/inspector.js';

export async function inspect(
  path: string,
  data: Buffer,
  { mode = 'full', chunkBytes = 65_536 }: { mode?: InspectMode; chunkBytes?: number } = {},
): Promise<Inspection> {
  const inspector = openInspector(path, data.length, mode);
  const memory = Buffer.alloc(chunkBytes);
  for (let at = 0; at < data.length; at += chunkBytes) {
    // One piece of memory for all chunks, as a reader may do it.
    const length = data.copy(memory, 0, at, at + chunkBytes);
    await inspector.update(memory.subarray(0, length));
  }
  return inspector.finish(async (offset, length) => data.subarray(offset, offset + length));
}

/** What was found, in short. */
export function codesOf(inspection: Inspection): string[] {
  return inspection.findings.map(({ code }) => code);
}
