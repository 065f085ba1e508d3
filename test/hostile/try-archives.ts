/**
 * A process of its own that gives hostile archives to the command line, one after the other, so that its peak memory
 * can be told. argv: folder with archives, scratch folder. Prints one line of JSON for each archive, then the peak.
 */
import fs from 'node:fs';
import path from 'node:path';
import { run } from '../../src/cli/main.js';
import { CollectedStream } from '../cli/run-cli.js';

export interface Attempt {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface Tried {
  readonly file: string;
  readonly foreign: Attempt;
  readonly plain: Attempt;
  readonly verified: Attempt;
}

const [archives = '', scratch = ''] = process.argv.slice(2);

for (const file of fs
  .readdirSync(archives)
  .filter((name) => /\.tar(\.zst)?$/.test(name))
  .sort()) {
  const archive = path.join(archives, file);
  const place = (mode: string): string => path.join(scratch, file, mode, 'target');
  const tried: Tried = {
    file,
    foreign: await attempt(['import', 'unpack', archive, '--foreign', '--into', place('foreign')]),
    plain: await attempt(['import', 'unpack', archive, '--into', place('plain')]),
    verified: await attempt(['verify', archive]),
  };
  console.log(JSON.stringify(tried));
}
console.log(JSON.stringify({ maxRssMiB: process.resourceUsage().maxRSS / 1024 }));

async function attempt(argv: readonly string[]): Promise<Attempt> {
  const [stdout, stderr] = [new CollectedStream(), new CollectedStream()];
  const signal = new AbortController().signal;
  const started = performance.now();
  const code = await run(argv, { stdout, stderr, env: {}, cwd: scratch, signal });
  return { code, stdout: stdout.text, stderr: stderr.text, elapsedMs: performance.now() - started };
}
