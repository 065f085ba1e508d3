/**
 * Puts the watch for secrets (`secrets.ts`) into a process: from then on what its child processes say, how they were
 * called, and every temporary folder before it is removed, is looked through. Only processes that hold a secret pay.
 */
import childProcess, { ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { noteFolder, noteOutput } from './secrets.js';

type AnyFunction = (...args: never[]) => unknown;

/** Longer than any secret or the beginning of a link: what one chunk may leave to the next. */
const TAIL_CHARS = 200;
/** These take keys on their command line and print them; they are not ours. */
const FOREIGN = new Set(['radosgw-admin']);

let isInstalled = false;
let isWatching = false;

/** Idempotent. */
export function watchForSecrets(): void {
  isWatching = true;
  if (isInstalled) return;
  isInstalled = true;
  watchChildren();
  watchSyncChildren();
  watchRemovals();
  syncBuiltinESMExports();
}

/** Until a secret is made again: the test files that follow in this process hold none. */
export function endWatch(): void {
  isWatching = false;
}

/** Every way to start a child comes through this method. */
function watchChildren(): void {
  const prototype = ChildProcess.prototype as unknown as { spawn: (options: unknown) => unknown };
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options: unknown) {
    const result = spawn.call(this, options);
    if (!isWatching || FOREIGN.has(path.basename(this.spawnargs[0] ?? ''))) return result;
    const where = noteCommand(this.spawnargs);
    for (const stream of [this.stdout, this.stderr]) {
      if (stream !== null) watchStream(stream, where, linksAllowed(this.spawnargs));
    }
    return result;
  };
}

/** Listening would set the stream flowing; what is pushed into it can be read without that. */
function watchStream(stream: Readable, where: string, allowed: boolean): void {
  const push = stream.push.bind(stream);
  let tail = '';
  stream.push = (chunk: Buffer | string | null, encoding?: BufferEncoding) => {
    if (chunk !== null) {
      const text = tail + (typeof chunk === 'string' ? chunk : chunk.toString('latin1'));
      noteOutput(text, where, { linksAllowed: allowed });
      tail = text.slice(-TAIL_CHARS);
    }
    return push(chunk, encoding);
  };
}

function watchSyncChildren(): void {
  replace(childProcess, 'spawnSync', (original) => (...args) => {
    const result = original(...args) as SpawnSyncReturns<string | Buffer>;
    noteResult(commandOf(args), [result.stdout, result.stderr]);
    return result;
  });
  for (const name of ['execFileSync', 'execSync'] as const) {
    replace(childProcess, name, (original) => (...args) => {
      try {
        const output = original(...args) as string | Buffer;
        noteResult(commandOf(args), [output]);
        return output;
      } catch (error) {
        const { stdout, stderr } = error as Partial<SpawnSyncReturns<string | Buffer>>;
        noteResult(commandOf(args), [stdout, stderr]);
        throw error;
      }
    });
  }
}

function watchRemovals(): void {
  const look = (target: unknown) => {
    if (isWatching && typeof target === 'string' && isTemporary(target)) noteFolder(target);
  };
  replace(
    fs,
    'rmSync',
    (original) =>
      (...args) => (look(args[0]), original(...args)),
  );
  replace(
    fs,
    'rm',
    (original) =>
      (...args) => (look(args[0]), original(...args)),
  );
  replace(
    fs.promises,
    'rm',
    (original) =>
      (...args) => (look(args[0]), original(...args)),
  );
}

function replace<T extends object>(
  owner: T,
  name: keyof T,
  make: (original: (...args: unknown[]) => unknown) => (...args: unknown[]) => unknown,
): void {
  const original = owner[name] as AnyFunction as (...args: unknown[]) => unknown;
  owner[name] = make(original.bind(owner)) as T[keyof T];
}

function isTemporary(target: string): boolean {
  return [os.tmpdir(), '/dev/shm'].some((folder) => path.resolve(target).startsWith(`${folder}${path.sep}`));
}

function noteResult(command: readonly string[], outputs: readonly (string | Buffer | null | undefined)[]): void {
  if (!isWatching) return;
  const where = noteCommand(command);
  for (const output of outputs) {
    if (output !== null && output !== undefined) {
      noteOutput(output.toString('latin1' as never), where, { linksAllowed: linksAllowed(command) });
    }
  }
}

/** Looks through the command line itself; returns how it is named in the record. */
function noteCommand(command: readonly string[]): string {
  const where = `a child process: ${command.join(' ').slice(0, 300)}`;
  // A link that `remote share` printed may be handed on to a program that reads it.
  noteOutput(command.join('\n'), `the command line of ${where}`, { linksAllowed: true });
  return where;
}

function commandOf(args: readonly unknown[]): readonly string[] {
  return [String(args[0]), ...(Array.isArray(args[1]) ? args[1].map(String) : [])];
}

function linksAllowed(command: readonly string[]): boolean {
  return command.includes('share');
}
