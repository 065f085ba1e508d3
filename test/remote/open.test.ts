/** What a location means, and what opening does and refuses. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { isFileRemote } from '../../src/remote/file.js';
import { folderAt, openRemote } from '../../src/remote/open.js';
import { expectCode, keysOf } from './bodies.js';

function codeOf(location: string): string | undefined {
  try {
    return folderAt(location);
  } catch (error) {
    return isLakepackError(error) ? error.code : String(error);
  }
}

describe('a location', () => {
  test.each([
    ['lake', 'lake'],
    ['./lake', './lake'],
    ['/srv/lake/', '/srv/lake/'],
    ['../up', '../up'],
    ['./s3:bucket', './s3:bucket'],
    ['data/dt=10:30', 'data/dt=10:30'],
    ['C:\\lake', 'C:\\lake'],
    ['c:/lake', 'c:/lake'],
    ['D:', 'D:'],
    ['100%', '100%'],
    ['file:///srv/my%20lake', '/srv/my lake'],
    ['FILE:///srv/lake', '/srv/lake'],
    ['file:/srv/lake', '/srv/lake'],
    ['file://localhost/srv/lake', '/srv/lake'],
    ['file:some/l%C3%A4ke', path.resolve('some/läke')],
    ['file:.', `${path.resolve('.')}/`],
  ])('%s is the folder %s', (location, folder) => expect(folderAt(location)).toBe(folder));

  test.each(['s3://bucket/x', 'r2:lake', 'aws:x', 'https://host/x', 'S3:x', 'nas:x'])('%s is no folder', (location) =>
    expect(codeOf(location)).toBeUndefined(),
  );

  test.each(['', 'a\0b', 'file://host/share', 'file:///a%2Fb', 'file:///a?b', 'file:///a#b', 'file:///%zz'])(
    '%j is none',
    (location) => expect(codeOf(location)).toBe('USAGE'),
  );
});

describe('opening', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lakepack-open-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('to read gives what is there and refuses to write', async () => {
    await mkdir(path.join(folder, 'a'));
    await writeFile(path.join(folder, 'a/b'), 'x');
    const remote = await openRemote(pathToFileURL(folder).href, { mode: 'read' });
    expect(await keysOf(remote.list(''))).toEqual(['a/b']);
    expect(remote.writable).toBe(false);
    await expectCode(remote.put('c', Buffer.from('x')), 'PERMISSION_DENIED');
  });

  test('to read what is not there is NOT_FOUND with a hint, and makes nothing', async () => {
    const open = openRemote(path.join(folder, 'absent'), { mode: 'read' });
    await expect(open).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('mounted') });
    expect(await readdir(folder)).toEqual([]);
  });

  test('to write makes the folder, and the ones above it', async () => {
    const remote = await openRemote(path.join(folder, 'new/archive'), { mode: 'write' });
    expect(await readdir(path.join(folder, 'new'))).toEqual(['archive']);
    expect(isFileRemote(remote)).toBe(true);
    await remote.put('a', Buffer.from('x'));
    await openRemote(path.join(folder, 'new/archive'), { mode: 'write' });
  });

  test('a file is no archive', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, 'x');
    await expectCode(openRemote(file, { mode: 'read' }), 'NOT_FOUND');
    await expectCode(openRemote(file, { mode: 'write' }), 'TARGET_CONFLICT');
    await expectCode(openRemote(path.join(file, 'below'), { mode: 'read' }), 'NOT_FOUND');
    await expect(openRemote(path.join(file, 'below'), { mode: 'write' })).rejects.toMatchObject({
      name: 'LakepackError',
    });
  });

  test('a store or an address makes no request, and nothing is written through what was opened to read', async () => {
    const nowhere = 's3://bucket/x?endpoint=http://127.0.0.1:1&anonymous=true';
    const store = await openRemote(nowhere, { mode: 'read' });
    expect(store).toMatchObject({ url: nowhere, writable: false, isDistant: true, parts: undefined });
    await expectCode(store.put('a', Buffer.from('x')), 'PERMISSION_DENIED');
    await store.close();
    const writable = await openRemote(nowhere, { mode: 'write' });
    expect(writable.writable).toBe(true);
    await writable.close();
    expect(await openRemote('https://archive.invalid/x', { mode: 'read' })).toMatchObject({ writable: false });
  });

  test('a configured folder', async () => {
    const context = { environment: {}, remotes: new Map([['nas', { path: folder }]]) };
    const remote = await openRemote({ location: 'nas:new', context }, { mode: 'write' });
    expect(isFileRemote(remote)).toBe(true);
    expect(await readdir(folder)).toEqual(['new']);
  });
});
