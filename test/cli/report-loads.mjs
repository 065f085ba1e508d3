// A module hook that tells on stderr what is loaded.
import { writeSync } from 'node:fs';

export async function load(url, context, next) {
  writeSync(2, `LOADED ${url}\n`);
  return next(url, context);
}
