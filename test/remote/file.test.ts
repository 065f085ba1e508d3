/** The folder remote: the contract, and what only a disk can do to it (links, modes, killed writers, odd files). */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { getuid } from 'node:process';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FileRemote, isFileRemote, openFileRemote } from '../../src/remote/file.js';
import { readOnly } from '../../src/remote/read-only.js';
import { temporaryName } from '../../src/base/temporary-name.js';
import { expectCode, keysOf, pattern, streamOf } from './bodies.js';
import { describeRemote } from './contract.js';
import type { RemoteUnderTest } from './under-test.js';

/** What the file system is made to answer, by the name of the call. */
const faults = vi.hoisted(() => new Map<string, string>());

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  function failing<T extends (...args: never[]) => unknown>(name: string, call: T): T {
    return ((...args: Parameters<T>) => {
      const code = faults.get(name);
      return code === undefined ? call(...args) : Promise.reject(Object.assign(new Error(code), { code, errno: -1 }));
    }) as T;
  }
  return {
    ...real,
    link: failing('link', real.link),
    unlink: failing('unlink', real.unlink),
    readdir: failing('readdir', real.readdir),
  };
});

const isRoot = getuid?.() === 0;

let folder: string;
let remote: FileRemote;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'lakepack-file-'));
  remote = openFileRemote(path.join(folder, 'archive'));
});
afterEach(async () => {
  faults.clear();
  await fs.rm(folder, { recursive: true, force: true });
});

async function openInOwnFolder(): Promise<RemoteUnderTest> {
  return {
    remote,
    traces: () => filesOnDisk(folder, (name) => name.endsWith('.partial')),
    reopen: async () => openFileRemote(remote.folder),
  };
}

describeRemote('file', openInOwnFolder);
describeRemote('file, on a file system without hard links', async () => {
  faults.set('link', 'EPERM');
  return openInOwnFolder();
});
describeRemote('file, read-only', async () => ({ remote: readOnly(remote), writer: remote }));

async function filesOnDisk(root: string, wanted: (name: string) => boolean): Promise<string[]> {
  const names = await fs.readdir(root, { recursive: true });
  return names.filter((name) => wanted(path.basename(name)));
}

describe('a folder of objects', () => {
  test('is shown as it was given, and stays where it was when the working folder changes', () => {
    const relative = openFileRemote('some/where');
    expect(relative.url).toBe('some/where');
    expect(path.isAbsolute(relative.folder)).toBe(true);
  });

  test('is told apart from other remotes', () => {
    expect(isFileRemote(remote)).toBe(true);
    expect(isFileRemote(readOnly(remote))).toBe(false);
  });

  test('has an object as a plain file under its key', async () => {
    await remote.put('a/b c/ü', Buffer.from('x'));
    expect(await fs.readFile(path.join(remote.folder, 'a/b c/ü'), 'utf8')).toBe('x');
    expect((await fs.stat(path.join(remote.folder, 'a/b c/ü'))).nlink).toBe(1);
  });

  test('cannot hold an object and objects below it: TARGET_CONFLICT', async () => {
    await remote.put('a/b', Buffer.from('x'));
    await expectCode(remote.put('a/b/c', Buffer.from('x')), 'TARGET_CONFLICT');
    await expectCode(remote.put('a/b/c/d', Buffer.from('x')), 'TARGET_CONFLICT');
    await expectCode(remote.put('a', Buffer.from('x')), 'TARGET_CONFLICT');
    expect(await filesOnDisk(folder, (name) => name.endsWith('.partial'))).toEqual([]);
  });

  test('does not list or open what is no regular file', async () => {
    await remote.put('a/object', Buffer.from('x'));
    execFileSync('mkfifo', [path.join(remote.folder, 'a/pipe')]);
    await fs.symlink('nowhere', path.join(remote.folder, 'a/dangling'));
    await fs.symlink('circle', path.join(remote.folder, 'a/circle'));
    expect(await keysOf(remote.list(''))).toEqual(['a/object']);
    for (const key of ['a/pipe', 'a/dangling', 'a/circle', 'a']) {
      expect(await remote.head(key)).toBeUndefined();
      await expectCode(remote.read(key, 10), 'NOT_FOUND');
    }
  });

  test('passes over names that no key can have', async () => {
    await remote.put('a/object', Buffer.from('x'));
    const bad = Buffer.concat([Buffer.from(`${remote.folder}/a/`), Buffer.from([0x62, 0xff, 0xfe])]);
    await fs.writeFile(bad, 'x');
    await fs.writeFile(path.join(remote.folder, 'a', '..\\up'), 'x');
    expect(await keysOf(remote.list(''))).toEqual(['a/object']);
  });

  test('a folder that cannot be read is an error, not a shorter list', async () => {
    await remote.put('a/b/object', Buffer.from('x'));
    faults.set('readdir', 'EACCES');
    await expectCode(keysOf(remote.list('')), 'PERMISSION_DENIED');
    faults.set('readdir', 'EIO');
    await expectCode(keysOf(remote.list('')), 'REMOTE_UNAVAILABLE');
  });

  test.skipIf(isRoot)('a folder without permission is an error for list, head and put', async () => {
    await remote.put('a/b/object', Buffer.from('x'));
    const locked = path.join(remote.folder, 'a/b');
    await fs.chmod(locked, 0);
    await expectCode(keysOf(remote.list('')), 'PERMISSION_DENIED');
    await expectCode(remote.head('a/b/object'), 'PERMISSION_DENIED');
    await expectCode(remote.put('a/b/new', Buffer.from('x')), 'PERMISSION_DENIED');
    await fs.chmod(locked, 0o700);
  });

  test('a put finds its disk full: DISK_FULL, nothing left', async () => {
    faults.set('link', 'ENOSPC');
    await expectCode(remote.put('a/b', Buffer.from('x')), 'DISK_FULL');
    expect(await filesOnDisk(folder, (name) => name.endsWith('.partial'))).toEqual([]);
    expect(await remote.head('a/b')).toBeUndefined();
  });

  test('a temporary that cannot be removed is not listed, and the object is there', async () => {
    faults.set('unlink', 'EIO');
    await remote.put('a/b', Buffer.from('x'));
    expect(await keysOf(remote.list(''))).toEqual(['a/b']);
    expect(await filesOnDisk(folder, (name) => name.endsWith('.partial'))).toHaveLength(1);
  });
});

describe('links in an archive', () => {
  test('exports may stand on another disk: put, list, read and flush go there', async () => {
    const other = path.join(folder, 'other disk');
    await fs.mkdir(other);
    await fs.mkdir(remote.folder);
    await fs.symlink(other, path.join(remote.folder, 'exports'));
    await remote.put('exports/a/b', Buffer.from('x'));
    await remote.put('exports0', Buffer.from('x'));
    await remote.put('exports.z', Buffer.from('x'));
    await remote.flush();
    expect(await keysOf(remote.list(''))).toEqual(['exports.z', 'exports/a/b', 'exports0']);
    expect(await fs.readFile(path.join(other, 'a/b'), 'utf8')).toBe('x');
    await remote.delete('exports/a/b');
    expect(await fs.readdir(other)).toEqual([]);
    expect((await fs.lstat(path.join(remote.folder, 'exports'))).isSymbolicLink()).toBe(true);
  });

  test('one that leads back into a folder it stands in does not make a list endless', async () => {
    await remote.put('a/b/object', Buffer.from('x'));
    await remote.put('c/d/object', Buffer.from('x'));
    await fs.symlink('../..', path.join(remote.folder, 'a/b/root'));
    await fs.symlink('.', path.join(remote.folder, 'a/b/self'));
    await fs.symlink('../../c', path.join(remote.folder, 'a/b/cross'));
    await fs.symlink('../../a', path.join(remote.folder, 'c/d/cross'));
    const all = await keysOf(remote.list(''));
    expect(all).toEqual(['a/b/cross/d/object', 'a/b/object', 'c/d/cross/b/object', 'c/d/object']);
    for (const prefix of ['a/', 'a/b/', 'a/b/cross/', 'c/d/']) {
      expect(await keysOf(remote.list(prefix))).toEqual(all.filter((key) => key.startsWith(prefix)));
    }
  });

  test('one to a file is that object', async () => {
    await remote.put('a/object', Buffer.from('four'));
    await fs.symlink('object', path.join(remote.folder, 'a/link'));
    expect(await keysOf(remote.list('a/'))).toEqual(['a/link', 'a/object']);
    expect(await remote.head('a/link')).toEqual({ key: 'a/link', bytes: 4 });
    await remote.delete('a/link');
    expect(await keysOf(remote.list('a/'))).toEqual(['a/object']);
  });
});

describe('deleting', () => {
  test('takes folders that become empty along, but never the top one', async () => {
    await remote.put('exports/a/b/one', Buffer.from('x'));
    await remote.put('exports/a/two', Buffer.from('x'));
    await remote.delete('exports/a/b/one');
    expect(await fs.readdir(path.join(remote.folder, 'exports/a'))).toEqual(['two']);
    await remote.delete('exports/a/two');
    expect(await fs.readdir(remote.folder)).toEqual(['exports']);
    expect(await fs.readdir(path.join(remote.folder, 'exports'))).toEqual([]);
  });

  test('does not disturb puts that go on beside it', async () => {
    const work = Array.from({ length: 300 }, async (_, index) => {
      await remote.put(`top/same/folder/${index}`, Buffer.from('x'));
      await remote.delete(`top/same/folder/${index}`);
    });
    await Promise.all(work);
    expect(await keysOf(remote.list(''))).toEqual([]);
  });
});

describe('flush', () => {
  test('fails, and goes on failing, when an object is gone that it answers for', async () => {
    await remote.put('a/b', Buffer.from('x'));
    await fs.rm(path.join(remote.folder, 'a/b'));
    await expectCode(remote.flush(), 'NOT_FOUND');
    await expectCode(remote.flush(), 'NOT_FOUND');
  });

  test('answers for an object that a put found there already', async () => {
    await openFileRemote(remote.folder).put('a/b', Buffer.from('x'));
    await expectCode(remote.put('a/b', Buffer.from('x')), 'OBJECT_EXISTS');
    await fs.rm(path.join(remote.folder, 'a/b'));
    await expectCode(remote.flush(), 'NOT_FOUND');
  });

  test('syncs every file put since the last one, and every folder up to the archive', async () => {
    await remote.put('a/b/1', Buffer.from('x'));
    await remote.put('a/b/2', Buffer.from('x'));
    await remote.put('c/3', Buffer.from('x'));
    const handle = await fs.open(folder, 'r');
    const sync = vi.spyOn(Object.getPrototypeOf(handle) as fs.FileHandle, 'sync');
    await handle.close();
    await remote.flush();
    expect(sync).toHaveBeenCalledTimes(3 + ['', 'a', 'a/b', 'c'].length);
    await remote.flush();
    expect(sync).toHaveBeenCalledTimes(7);
    sync.mockRestore();
  });

  test('keeps no file open for 2,000 objects', async () => {
    for (let index = 0; index < 2_000; index += 1) await remote.put(`a/${index % 50}/${index}`, Buffer.from('x'));
    const open = await fs.readdir('/proc/self/fd').catch(() => []);
    expect(open.length).toBeLessThan(200);
    await remote.flush();
  });
});

describe('what killed processes leave', () => {
  const exited = 4_194_304 + 1; // Linux gives no process an id above 2^22

  function leftBy(pid: number, name = 'x.tar.zst'): string {
    return temporaryName(name).replace(/-\d+-/, `-${pid}-`);
  }

  async function leave(key: string, ageMs = 0): Promise<string> {
    const disk = path.join(remote.folder, key);
    await fs.mkdir(path.dirname(disk), { recursive: true });
    await fs.writeFile(disk, 'half');
    const then = new Date(Date.now() - ageMs);
    await fs.utimes(disk, then, then);
    return disk;
  }

  test('is never listed and never an object', async () => {
    const key = `exports/p/${leftBy(exited)}`;
    await leave(key);
    expect(await keysOf(remote.list(''))).toEqual([]);
    expect(await keysOf(remote.list('exports/p/.'))).toEqual([]);
    await expectCode(remote.head(key), 'PATH_UNSAFE');
    await expectCode(remote.put(key, Buffer.from('x')), 'PATH_UNSAFE');
    await remote.put('exports/p/x.tar.zst', Buffer.from('whole'));
    expect(await keysOf(remote.list(''))).toEqual(['exports/p/x.tar.zst']);
  });

  test.runIf(os.platform() === 'linux')(
    'is swept when its process is gone, with the folder it leaves empty',
    async () => {
      await leave(`exports/p/one/${leftBy(exited)}`);
      await leave(`exports/q/${leftBy(exited)}`);
      await remote.put('exports/q/object', Buffer.from('x'));
      expect(await remote.sweepTemporary('exports/p/')).toBe(1);
      expect(await fs.readdir(path.join(remote.folder, 'exports'))).toEqual(['q']);
      expect(await remote.sweepTemporary('')).toBe(1);
      expect(await remote.sweepTemporary('')).toBe(0);
      expect(await keysOf(remote.list(''))).toEqual(['exports/q/object']);
    },
  );

  test.runIf(os.platform() === 'linux')('stays while its process runs', async () => {
    const sleeper = spawn('sleep', ['60']);
    const key = `exports/p/${leftBy(sleeper.pid!)}`;
    await leave(key, 7 * 24 * 3_600_000);
    expect(await remote.sweepTemporary('')).toBe(0);
    sleeper.kill();
    await once(sleeper, 'exit');
    expect(await remote.sweepTemporary('')).toBe(1);
  });

  test.runIf(os.platform() === 'linux')('of an earlier process with our own id is swept, our own is not', async () => {
    await leave(`exports/p/${temporaryName('x')}`, 24 * 3_600_000);
    let swept = -1;
    async function* sweeping(): AsyncGenerator<Buffer> {
      yield pattern(100);
      swept = await remote.sweepTemporary('');
      yield pattern(100);
    }
    await remote.put('exports/p/x', sweeping());
    expect(swept).toBe(1);
    expect(await keysOf(remote.list(''))).toEqual(['exports/p/x']);
  });

  test('of another machine, or of an unknown process, is swept after a day', async () => {
    const foreign = leftBy(1).replace(/\.[0-9a-f]{8}-1-/, '.00000000-1-');
    await leave(`a/${foreign}`, 23 * 3_600_000);
    await leave(`b/${leftBy(0)}`, 23 * 3_600_000);
    expect(await remote.sweepTemporary('')).toBe(0);
    await leave(`a/${foreign}`, 25 * 3_600_000);
    await leave(`b/${leftBy(0)}`, 25 * 3_600_000);
    expect(await remote.sweepTemporary('')).toBe(2);
  });

  test('files of others that look alike stay', async () => {
    await leave('a/.x.partial', 7 * 24 * 3_600_000);
    await leave('a/x.partial', 7 * 24 * 3_600_000);
    await leave('a/.x.00000000-1-abc.partial', 7 * 24 * 3_600_000);
    expect(await remote.sweepTemporary('')).toBe(0);
    expect(await keysOf(remote.list(''))).toHaveLength(3);
  });

  test('a writer that is killed leaves no object, and its rest is swept', async () => {
    const script = `
      import { openFileRemote } from ${JSON.stringify(new URL('../../src/remote/file.ts', import.meta.url).href)};
      async function* body() { yield Buffer.alloc(2 << 20); console.log('writing'); await new Promise((r) => setTimeout(r, 60000)); }
      await openFileRemote(${JSON.stringify(remote.folder)}).put('exports/p/x', body());
    `;
    const writer = spawn('node', ['--import', 'tsx', '--input-type=module', '--eval', script], { stdio: 'pipe' });
    await once(writer.stdout, 'data');
    expect(await filesOnDisk(folder, (name) => name.endsWith('.partial'))).toHaveLength(1);
    expect(await remote.sweepTemporary('')).toBe(0);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    expect(await keysOf(remote.list(''))).toEqual([]);
    if (os.platform() === 'linux') expect(await remote.sweepTemporary('')).toBe(1);
    await remote.put('exports/p/x', streamOf(pattern(100), 10));
  });
});
