/** Runs the command line in process, with streams that collect, and a library that a test makes. */
import { Writable } from 'node:stream';
import { run, type Library } from '../../src/cli/main.js';
import { noteOutput } from '../servers/secrets.js';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly tty?: boolean;
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

export class CollectedStream extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly chunks: string[] = [];

  constructor(isTTY = false, columns = 80) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.chunks.push(String(chunk));
    done();
  }

  get text(): string {
    return this.chunks.join('');
  }
}

/** Every function that is not given fails the test that calls it. */
export async function runCli(
  argv: readonly string[],
  library: Partial<Library> = {},
  settings: CliSettings = {},
): Promise<CliRun> {
  const stdout = new CollectedStream(settings.tty, settings.columns);
  const stderr = new CollectedStream(settings.tty, settings.columns);
  const io = {
    ...{ stdout, stderr, env: settings.env ?? {}, cwd: settings.cwd ?? process.cwd() },
    signal: settings.signal ?? new AbortController().signal,
  };
  const code = await run(argv, io, async () => library as Library);
  const command = argv.join(' ');
  const linksAllowed = argv[0] === 'remote' && argv[1] === 'share';
  noteOutput(`${command}\n${stdout.text}\n${stderr.text}`, `the output of lakepack ${command}`, { linksAllowed });
  return { code, stdout: stdout.text, stderr: stderr.text };
}
