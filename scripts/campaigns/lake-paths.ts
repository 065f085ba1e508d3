/** The paths of all files below a folder, with `/`, sorted: for campaigns that count what the program must find. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';

export async function lakePaths(lake: string): Promise<readonly string[]> {
  const items = await readdir(lake, { recursive: true, withFileTypes: true });
  const files = items.filter((item) => item.isFile());
  return files
    .map((item) => path.relative(lake, path.join(item.parentPath, item.name)).replaceAll(path.sep, '/'))
    .sort();
}
