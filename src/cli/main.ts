/**
 * The command line: argv in, exit code out. It decides which command runs and turns whatever is thrown into words;
 * everything a command needs is loaded only when one runs.
 */
import { readFileSync } from 'node:fs';
import type { CliIo, LibraryLoader } from './io.js';
import { outputOf } from './output.js';
import { routeOf, type Route } from './route.js';

export type { CliIo, CliStream, Library, LibraryLoader } from './io.js';

/** Runs one command line. Never throws; never touches the process. */
export async function run(
  argv: readonly string[],
  io: CliIo,
  loadLibrary: LibraryLoader = () => import('../index.js'),
): Promise<number> {
  const out = outputOf(io.stdout);
  try {
    const code = await follow(routeOf(argv), io, loadLibrary);
    await out.flush();
    return code;
  } catch (error) {
    const { reportError } = await import('./report-error.js');
    return await reportError(error, argv, io);
  }
}

async function follow(route: Route, io: CliIo, loadLibrary: LibraryLoader): Promise<number> {
  switch (route.kind) {
    case 'version':
      await outputOf(io.stdout).write(`${readVersion()}\n`);
      return 0;
    case 'overview': {
      const { overviewText } = await import('./overview.js');
      await outputOf(route.asked ? io.stdout : io.stderr).write(overviewText(route.group));
      return route.asked ? 0 : 2;
    }
    case 'help': {
      const { helpText } = await import('./command-help.js');
      await outputOf(io.stdout).write(helpText(route.entry.path, await route.entry.load(), io.stdout.columns));
      return 0;
    }
    case 'command': {
      const { runCommand } = await import('./run-command.js');
      return runCommand(route.entry, route.rest, io, loadLibrary);
    }
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
