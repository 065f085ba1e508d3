/**
 * Where lakepack keeps what is its own on this machine: journals of unfinished work and caches. Losing the folder
 * loses no data. Nothing here creates it.
 */
import { homedir, platform as thisPlatform, tmpdir } from 'node:os';
import path from 'node:path';

/** The part of an environment that is looked at. `process.env` fits. */
export type StateDirEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * `LAKEPACK_STATE_DIR`, else `XDG_STATE_HOME/lakepack` (also on macOS and Windows, where somebody set it), else the
 * platform's own place below `home`. Pure: `cli/` passes the environment of the process.
 */
export function defaultStateDir(env: StateDirEnvironment, platform: string, home: string): string {
  const join = platform === 'win32' ? path.win32.join : path.posix.join;
  const chosen = present(env['LAKEPACK_STATE_DIR']);
  if (chosen !== undefined) return chosen;
  const xdg = absolute(env['XDG_STATE_HOME'], platform);
  if (xdg !== undefined) return join(xdg, 'lakepack');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'lakepack');
  if (platform === 'win32') {
    return join(absolute(env['LOCALAPPDATA'], platform) ?? join(home, 'AppData', 'Local'), 'lakepack');
  }
  return join(home, '.local', 'state', 'lakepack');
}

/** The default for programs that pass no `stateDir`: the user's home folder decides, not the environment. */
export function userStateDir(): string {
  return defaultStateDir({}, thisPlatform(), homeOrTemporary());
}

function homeOrTemporary(): string {
  try {
    const home = homedir();
    if (home !== '') return home;
  } catch {
    // A container that runs under a user id without an account has no home: homedir() throws.
  }
  // A journal in the temporary folder may be lost at a restart: then an unfinished pack begins anew, nothing more.
  return tmpdir();
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/** The XDG base directory specification has relative values ignored. */
function absolute(value: string | undefined, platform: string): string | undefined {
  const isAbsolute = platform === 'win32' ? path.win32.isAbsolute : path.posix.isAbsolute;
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
