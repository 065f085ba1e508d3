/** Where the state folder is, by environment and platform. */
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { defaultStateDir, userStateDir } from '../../src/base/state-dir.js';

describe('the state folder', () => {
  test.each([
    [{ LAKEPACK_STATE_DIR: '/s', XDG_STATE_HOME: '/x' }, 'linux', '/s'],
    [{ LAKEPACK_STATE_DIR: 'relative' }, 'linux', 'relative'],
    [{ XDG_STATE_HOME: '/x' }, 'linux', '/x/lakepack'],
    [{ XDG_STATE_HOME: '/x' }, 'darwin', '/x/lakepack'],
    [{ XDG_STATE_HOME: 'relative' }, 'linux', '/h/.local/state/lakepack'],
    [{ LAKEPACK_STATE_DIR: '', XDG_STATE_HOME: '' }, 'linux', '/h/.local/state/lakepack'],
    [{}, 'linux', '/h/.local/state/lakepack'],
    [{}, 'freebsd', '/h/.local/state/lakepack'],
    [{}, 'darwin', '/h/Library/Application Support/lakepack'],
  ])('%j on %s is %s', (env, platform, folder) => expect(defaultStateDir(env, platform, '/h')).toBe(folder));

  test.each([
    [{ LOCALAPPDATA: 'D:\\App' }, 'D:\\App\\lakepack'],
    [{}, 'C:\\Users\\me\\AppData\\Local\\lakepack'],
    [{ LAKEPACK_STATE_DIR: 'E:\\s' }, 'E:\\s'],
  ])('%j on Windows is %s', (env, folder) => {
    expect(defaultStateDir(env, 'win32', 'C:\\Users\\me')).toBe(folder);
  });
});

describe('the state folder of this user', () => {
  afterEach(() => vi.restoreAllMocks());

  test('is below the home folder, whatever the environment says', () => {
    vi.stubEnv('XDG_STATE_HOME', '/elsewhere');
    expect(userStateDir()).toBe(defaultStateDir({}, os.platform(), os.homedir()));
    vi.unstubAllEnvs();
  });

  test('is below the temporary folder for a user without a home', () => {
    vi.stubEnv('HOME', '');
    expect(path.isAbsolute(userStateDir())).toBe(true);
    vi.unstubAllEnvs();
  });
});
