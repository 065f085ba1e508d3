/** The state folder that the environment of the process asks for. Below `cli/` nothing knows an environment. */
import { homedir } from 'node:os';
import { defaultStateDir } from '../base/state-dir.js';
import type { CliIo } from './io.js';
import { onDisk } from './selectors.js';

const VARIABLES = ['LAKEPACK_STATE_DIR', 'XDG_STATE_HOME', 'LOCALAPPDATA'];

/** Undefined where the environment says nothing: then the operation's own default holds. */
export function stateDirFrom(io: CliIo): string | undefined {
  if (!VARIABLES.some((name) => io.env[name])) return undefined;
  return onDisk(defaultStateDir(io.env, process.platform, io.env['HOME'] ?? homedir()), io.cwd);
}
