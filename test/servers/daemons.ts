/**
 * Processes that never outlive the one that started them. Each is ended by its id; a shell that only waits for the
 * end of its standard input ends them all when this process dies in any way, also by SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

export interface Daemons {
  /** Starts a program; what it says goes to `<name>.out` in the folder. */
  start(name: string, program: string, args: readonly string[]): Daemon;
  /** Runs a program to its end and returns what it wrote to standard output; throws when it fails. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Ends everything at once. The folder is removed by the guard, which ends with it. */
  end(): Promise<void>;
}

export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly hasEnded: () => boolean;
  /** The last lines of what it said. */
  readonly lastWords: () => string;
  /** SIGKILL, and waits for the end. */
  readonly kill: () => Promise<void>;
}

// `+PID` and `-PID` come in as lines; at the end of the input all that are left are killed and the folder removed.
const GUARD = `
trap '' INT TERM HUP
pids=' '
while read -r line; do
  case $line in
    +*) pids="$pids\${line#+} " ;;
    -*) pid=\${line#-}; case $pids in *" $pid "*) pids="\${pids%%" $pid "*} \${pids#*" $pid "}" ;; esac ;;
  esac
done
[ "$pids" = ' ' ] || kill -9 $pids 2>/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && break; sleep 0.1; done
`;

/** `folder` is for these processes alone: it goes when they do. */
export function startDaemons(folder: string, env: NodeJS.ProcessEnv): Daemons {
  const guard = spawn('sh', ['-c', GUARD, 'guard', folder], { stdio: ['pipe', 'ignore', 'ignore'] });
  guard.stdin.on('error', () => undefined); // It only fails when the guard is gone, and then `end` has been called.
  const running = new Set<ChildProcess>();
  const guarded = (child: ChildProcess) => {
    running.add(child);
    if (child.pid !== undefined) guard.stdin.write(`+${child.pid}\n`);
    child.once('exit', () => {
      running.delete(child);
      guard.stdin.write(`-${child.pid}\n`);
    });
    return child;
  };
  const onExit = () => running.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', onExit);

  return {
    start(name, program, args) {
      const file = path.join(folder, `${name}.out`);
      const output = openSync(file, 'a');
      const child = guarded(spawn(program, args, { stdio: ['ignore', output, output], env, detached: false }));
      closeSync(output);
      return daemonOf(name, child, file);
    },
    run: (program, args) =>
      outputOf(guarded(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })), program),
    async end() {
      process.off('exit', onExit);
      await Promise.all([...running].map(kill));
      const ended = once(guard, 'exit');
      guard.stdin.end();
      await ended;
    },
  };
}

function daemonOf(name: string, child: ChildProcess, file: string): Daemon {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  return {
    name,
    pid: child.pid ?? -1,
    hasEnded: () => failure !== undefined || child.exitCode !== null || child.signalCode !== null,
    lastWords: () => `${failure?.message ?? ''}${readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n')}`,
    kill: () => kill(child),
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function outputOf(child: ChildProcess, program: string): Promise<string> {
  const chunks: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => (chunks[name] += chunk));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(chunks.stdout) : reject(new Error(`${program} failed (${code}): ${chunks.stderr.trim()}`)),
    );
  });
}
