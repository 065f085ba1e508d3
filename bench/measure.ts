/**
 * Runs one command and says what it cost: wall time by our own clock, CPU and memory as the kernel counted them, which
 * GNU time reads for us. Node has no such figures for its children, and reading /proc while they run would miss peaks.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from './contender.js';

export interface Cost {
  readonly wallSeconds: number;
  /** User and system time of the command and everything it started. Null: no GNU time on this machine. */
  readonly cpuSeconds: number | null;
  /** Of the largest single process, as the kernel counts it; the parts of a pipeline are not added up. Null as above. */
  readonly peakRssBytes: number | null;
}

const GNU_TIME = '/usr/bin/time';
const STDERR_TAIL_CHARS = 4000;

/** Ends the whole running command, and makes every later one fail. */
export const interruption = new AbortController();

export async function hasGnuTime(): Promise<boolean> {
  if (!existsSync(GNU_TIME)) return false;
  const { status, output } = await execute({ argv: [GNU_TIME, '--version'] });
  return status === 0 && output.includes('GNU');
}

/**
 * Throws when the command fails: the time of a failure means nothing.
 * @param times - how often the command does its work: times are a part of the whole.
 */
export async function runTimed(command: Command, withGnuTime: boolean, times = 1): Promise<Cost> {
  const cost = await costOf(command, withGnuTime);
  const cpuSeconds = cost.cpuSeconds === null ? null : cost.cpuSeconds / times;
  return { ...cost, wallSeconds: cost.wallSeconds / times, cpuSeconds };
}

/** The same command on the first of the cores that this process may use. Unchanged where it may use them all. */
export function onCores(command: Command, cores: number): Command {
  if (cores >= availableParallelism()) return command;
  return { ...command, argv: ['taskset', '-c', allowedCores().slice(0, cores).join(), ...command.argv] };
}

/** Linux only, as taskset is. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(?<list>\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.groups?.['list'];
  return (list ?? '').split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

async function costOf(command: Command, withGnuTime: boolean): Promise<Cost> {
  if (!withGnuTime) {
    return { wallSeconds: (await mustSucceed(command)).wallSeconds, cpuSeconds: null, peakRssBytes: null };
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'lakepack-time-'));
  try {
    const report = path.join(folder, 'time');
    const argv: Command['argv'] = [GNU_TIME, '-q', '-f', '%U %S %M', '-o', report, ...command.argv];
    const { wallSeconds } = await mustSucceed({ ...command, argv });
    return { wallSeconds, ...parseGnuTime(await readFile(report, 'utf8')) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The output of `time -f '%U %S %M'`: seconds, seconds, KiB. */
export function parseGnuTime(text: string): { readonly cpuSeconds: number; readonly peakRssBytes: number } {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+)$/m.exec(text);
  if (match === null) throw new Error(`GNU time: unexpected report: ${JSON.stringify(text)}`);
  const [user, system, peakKib] = match.slice(1).map(Number) as [number, number, number];
  return { cpuSeconds: Math.round((user + system) * 100) / 100, peakRssBytes: peakKib * 1024 };
}

/** Returns what the command printed. Throws when it fails. */
export async function runUntimed(command: Command): Promise<string> {
  return (await mustSucceed(command)).output;
}

async function mustSucceed(command: Command): Promise<Execution> {
  const execution = await execute(command);
  if (execution.status === 0) return execution;
  const words = command.argv.join(' ');
  throw new Error(`${words}\nended with status ${execution.status ?? 'none (killed)'}: ${execution.output}`);
}

interface Execution {
  readonly status: number | null;
  readonly wallSeconds: number;
  /** The end of stdout and stderr, mixed. */
  readonly output: string;
}

async function execute(command: Command): Promise<Execution> {
  interruption.signal.throwIfAborted();
  const [program, ...args] = command.argv;
  const startedAt = performance.now();
  // a process group of its own, so that an interruption reaches every part of a pipeline
  const child = spawn(program, args, {
    cwd: command.cwd,
    env: { ...cleanEnvironment(), ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-STDERR_TAIL_CHARS));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const stop = () => child.pid !== undefined && process.kill(-child.pid, 'SIGTERM');
  interruption.signal.addEventListener('abort', stop);
  try {
    const { status, wallSeconds } = await new Promise<Omit<Execution, 'output'>>((resolve, reject) => {
      let wallSeconds = 0;
      child.on('error', reject);
      child.on('exit', () => (wallSeconds = (performance.now() - startedAt) / 1000));
      child.on('close', (code) => resolve({ status: code, wallSeconds }));
    });
    interruption.signal.throwIfAborted();
    return { status, wallSeconds, output };
  } finally {
    interruption.signal.removeEventListener('abort', stop);
  }
}

/** The same for everybody: no settings of npm, of Node or of the tools themselves. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'UV_THREADPOOL_SIZE'];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: 'C.UTF-8' };
}
