/** Finds the lake, and the part of it, that a caller means. Shared by every operation that reads a lake. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseInstant } from '../base/duration.js';
import { LakepackError } from '../base/errors.js';
import { fromSystemError, unlessAbsent } from '../base/system-errors.js';
import type { LakeSelect } from '../lake/select.js';
import { parseWhere } from '../lake/where-parser.js';
import type { LakeSelector } from './selection.js';

/** The selection of a lake, parsed. @param now what ages such as `36h` count back from. */
export function lakeSelect(selector: LakeSelector, now: Date): LakeSelect {
  return {
    partitions: selector.partitions ?? [],
    datasets: selector.datasets ?? [],
    layers: selector.layers ?? [],
    run: selector.run,
    where: selector.where === undefined ? undefined : parseWhere(selector.where),
    since: selector.since === undefined ? undefined : parseInstant(selector.since, now),
  };
}

/** Throws NOT_FOUND, LAKE_UNREADABLE. */
export async function lakeFolder(lake: string): Promise<string> {
  try {
    const stats = await unlessAbsent(() => stat(lake));
    if (stats?.isDirectory() === true) return await realpath(path.resolve(lake));
    throw new LakepackError(
      'NOT_FOUND',
      `${lake}: ${stats === undefined ? 'there is no such folder' : 'is not a folder'}`,
      {
        hint: 'give the folder that holds the layers of the lake (bronze, silver, gold)',
      },
    );
  } catch (error) {
    throw fromSystemError(error, lake);
  }
}
