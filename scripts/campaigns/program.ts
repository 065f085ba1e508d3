/** Runs the real command line as a process of its own, to its end or until it is killed. For campaigns and tests. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const project = path.resolve(import.meta.dirname, '../..');
const source = path.join(project, 'src');

/**
 * The words that start lakepack: LAKEPACK_BIN where it is set (a build that nobody changes during a long campaign), the
 * build where it is as new as the sources, else a build of the sources as they are, made in the scratch folder.
 */
export function programWords(scratch: string): readonly string[] {
  const chosen = process.env['LAKEPACK_BIN'];
  if (chosen !== undefined) return [path.resolve(chosen)];
  const built = path.join(project, 'dist/bin.js');
  if (existsSync(built) && statSync(built).mtimeMs >= newestSource()) return [built];
  return [buildInto(path.join(scratch, 'program'))];
}

/** Types are taken away and nothing is checked: a second for all, where the compiler takes ten. */
function buildInto(folder: string): string {
  const program = path.join(folder, 'dist/bin.js');
  if (existsSync(program)) return program;
  for (const file of sourceFiles()) {
    const target = path.join(folder, 'dist', path.relative(source, file)).replace(/\.ts$/, '.js');
    mkdirSync(path.dirname(target), { recursive: true });
    const compilerOptions = {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
    };
    writeFileSync(target, ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions }).outputText);
  }
  for (const name of ['package.json', 'node_modules', 'schemas'])
    symlinkSync(path.join(project, name), path.join(folder, name));
  return program;
}

function sourceFiles(): string[] {
  const items = readdirSync(source, { recursive: true, withFileTypes: true });
  return items.filter((item) => item.isFile()).map((item) => path.join(item.parentPath, item.name));
}

function newestSource(): number {
  return Math.max(...sourceFiles().map((file) => statSync(file).mtimeMs));
}

export interface Program {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly ms: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kill {
  readonly signal: NodeJS.Signals;
  readonly afterMs: number;
}

/** Its own process group is killed, so that nothing it started runs on. */
export function runProgram({ words, env }: Program, args: readonly string[], kill?: Kill): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [...words, ...args], {
      cwd: project,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (texts.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (texts.stderr += String(chunk)));
    const timer = kill && setTimeout(() => signalGroup(child.pid, kill.signal), kill.afterMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const ms = performance.now() - started;
      resolve({ code: code ?? undefined, signal: signal ?? undefined, ms, ...texts });
    });
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended by itself in this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
