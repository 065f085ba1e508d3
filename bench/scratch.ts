/** The scratch folder of one benchmark: made once, removed whatever happens. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { interruption, runUntimed } from './measure.js';

/** Ctrl-C ends the running command, and the folder is removed all the same. */
export async function withScratch<T>(parent: string | undefined, work: (folder: string) => Promise<T>): Promise<T> {
  const interrupt = () => interruption.abort(new Error('interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const folder = await mkdtemp(path.join(parent ?? tmpdir(), 'lakepack-bench-'));
  try {
    return await work(folder);
  } finally {
    removeFolder(folder);
  }
}

/** An empty folder, used for one attempt and removed after it. */
export async function withFresh<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  try {
    return await work();
  } finally {
    removeFolder(folder);
  }
}

/** Writes out what earlier attempts left in memory, so that nobody pays for somebody else's bytes. */
export async function settleDisk(folder: string): Promise<void> {
  await runUntimed({ argv: ['sync', '-f', folder] });
}

function removeFolder(folder: string): void {
  // plain calls: with promises a million files take minutes
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
