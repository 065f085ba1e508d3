/** A lake for the short forms of campaigns: few files, so that a slow disk can follow, and one of several frames. */
import { textBytes } from '../bundle/kit.js';
import { makeTree } from '../lake/tree.js';

export function smallLake(): string {
  const pages = [1, 2, 3].map((page): [string, string] => [
    `bronze/reviews/2025/10/11/run-20251011-060000/page=${page}.json`,
    `{"page":${page}}\n`,
  ]);
  const days = [11, 12, 13].map((day): [string, Buffer] => [
    `silver/reviews/dt=2025-10-${day}/part-0.csv`,
    textBytes(3_000, day),
  ]);
  return makeTree({
    ...Object.fromEntries<string | Buffer>([...pages, ...days]),
    'gold/large/rows.csv': textBytes(6_000_000),
    'gold/empty/dt=2025-10-11': null,
  });
}
