/** The version of this package, read from its package.json so that it stands in one place. */
import { readFileSync } from 'node:fs';

export const TOOL_NAME = 'lakepack';

let known: string | undefined;

/** Works from `src/` and from `dist/`: both stand beside package.json. */
export function toolVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
