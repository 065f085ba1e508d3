/** What a result needs to be understood elsewhere: the machine and the versions. No host name, no user, no path. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Contender } from './contender.js';
import { runUntimed } from './measure.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Of the scratch folder, as `stat -f` names it. */
  readonly scratchFileSystem: string;
  /** Before the benchmark began. Much above zero: the machine had other work. */
  readonly loadAverage: number;
}

const PROJECT = path.resolve(import.meta.dirname, '..');
/** Where it is not `--version`. */
const VERSION_WORD: Readonly<Record<string, string>> = { restic: 'version' };

export async function describeMachine(scratch: string): Promise<Machine> {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    scratchFileSystem: await tryOutput('stat', '-f', '-c', '%T', scratch),
    loadAverage: Math.round(os.loadavg()[0]! * 100) / 100,
  };
}

/** @param isOwnBuild - false: the measured command line is not the one in dist, and this commit says nothing about it. */
export async function describeVersions(
  contenders: readonly Contender[],
  isOwnBuild: boolean,
): Promise<Record<string, string>> {
  const packageJson = JSON.parse(await readFile(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  const versions: Record<string, string> = {
    lakepack: `${packageJson.version} (${isOwnBuild ? await describeCommit() : 'another build'})`,
    node: process.versions.node,
  };
  const programs = new Set(contenders.flatMap((contender) => contender.programs));
  for (const program of programs) {
    versions[program] =
      /\d+\.\d+(\.\d+)*/.exec(await tryOutput(program, VERSION_WORD[program] ?? '--version'))?.[0] ?? 'unknown';
  }
  return versions;
}

export function missingPrograms(contender: Contender): string[] {
  return contender.programs.filter((program) => !isOnPath(program));
}

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

async function describeCommit(): Promise<string> {
  const commit = await tryOutput('git', '-C', PROJECT, 'rev-parse', '--short', 'HEAD');
  const changes = await tryOutput('git', '-C', PROJECT, 'status', '--porcelain', '--', 'src', 'package-lock.json');
  return changes.trim() === '' ? commit : `${commit} with changes`;
}

/** A version that cannot be told is no reason to stop: it is then told as unknown. */
async function tryOutput(...argv: [string, ...string[]]): Promise<string> {
  return runUntimed({ argv }).then(
    (output) => output.trim(),
    () => 'unknown',
  );
}
