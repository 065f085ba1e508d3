/** Makes the context a command works in, and runs it. */
import { throwIfAborted } from '../base/errors.js';
import type { ProgressListener } from '../base/progress.js';
import type { Arguments } from './arguments.js';
import type { CommandContext, CommandEntry } from './command.js';
import { COMMANDS } from './commands.js';
import type { ExitCode } from './exit-code.js';
import type { CliIo, LibraryLoader } from './io.js';
import { outputOf } from './output.js';
import { parseArguments } from './parse-arguments.js';
import { startProgress } from './progress.js';
import { safeJson } from './safe-text.js';
import { schemaAddress } from './schema-address.js';
import { styleFor } from './style.js';

export async function runCommand(
  entry: CommandEntry,
  tokens: readonly string[],
  io: CliIo,
  loadLibrary: LibraryLoader,
): Promise<ExitCode> {
  const command = await entry.load();
  const args = parseArguments(entry.path, command, tokens);
  throwIfAborted(io.signal);
  return command.run(contextFor(args, io, loadLibrary));
}

function contextFor(args: Arguments, io: CliIo, library: LibraryLoader): CommandContext {
  const out = outputOf(io.stdout);
  const json = args.flag('json') === true;
  const quiet = args.flag('quiet') === true;
  const verbose = (args.flag('verbose') ?? args.flag('debug')) === true;
  return {
    args,
    commands: COMMANDS,
    io,
    library,
    out,
    json,
    quiet,
    verbose,
    style: styleFor(io.stdout, io.env, args.flag('no-color') === true),
    withProgress: (verb, work) => withProgress(verb, work, io, { silent: quiet || json, verbose }),
    print: async (schema, result, lines) => {
      if (json) await out.write(`${safeJson({ schema: schemaAddress(schema), ...result }, 2)}\n`);
      else
        await out.write(
          lines()
            .map((line) => `${line}\n`)
            .join(''),
        );
    },
  };
}

async function withProgress<T>(
  verb: string,
  work: (onProgress: ProgressListener) => Promise<T>,
  io: CliIo,
  how: { readonly silent: boolean; readonly verbose: boolean },
): Promise<T> {
  const progress = await startProgress(verb, io.stderr, how);
  try {
    return await work(progress.listener);
  } finally {
    progress.stop();
  }
}
