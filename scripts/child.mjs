/**
 * Starts other programs for the scripts in this folder: where a program is, how it is run, what it said. Plain
 * Node without dependencies, because these scripts run before `npm ci` has.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import process from 'node:process';

/**
 * Runs a program to its end. Its output goes to this terminal, or line by line to `onLine` where one is given.
 * Rejects only when the program cannot be started; a failure is a `status` other than 0.
 */
export function run(command, args, { cwd, env, onLine, timeoutMs } = {}) {
  const startedAt = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: onLine === undefined ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      shell: process.platform === 'win32' && command.endsWith('.cmd'),
    });
    const lines = onLine === undefined ? [] : [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      // A killed program is reported as shells do it: by a status above 128.
      const status = code ?? (signal === 'SIGINT' ? 130 : 143);
      Promise.all(lines).then(() => resolve({ status, seconds: (Date.now() - startedAt) / 1000 }), reject);
    });
  });
}

/** Runs a program and keeps what it says, both streams in the order in which they came. */
export async function capture(command, args, options = {}) {
  const lines = [];
  const result = await run(command, args, { ...options, onLine: (line) => lines.push(line) });
  return { ...result, lines };
}

/** The file that the name of a program stands for on this PATH, or undefined. */
export function findProgram(name, searchPath = process.env.PATH ?? '') {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

/** How npm is run here: the npm that started this script, or else the one on the PATH. */
export function npmCommand(...args) {
  const startedBy = process.env.npm_execpath;
  if (startedBy !== undefined && /npm-cli\.c?js$/.test(startedBy)) return [process.execPath, [startedBy, ...args]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', args];
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there or not ours to run: either way it is not a program for us.
    return false;
  }
}

async function readLines(stream, onLine) {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}
