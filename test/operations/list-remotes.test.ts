/** The remotes that have a name, as people see them. */
import { describe, expect, test } from 'vitest';
import { listRemotes, type NamedRemote } from '../../src/index.js';
import type { RemoteConfig } from '../../src/schema/remote-config.js';

const SECRET = 'very-secret-value';

function named(
  name: string,
  environment: Readonly<Record<string, string>> = {},
  remotes: Readonly<Record<string, RemoteConfig>> = {},
): NamedRemote | undefined {
  return listRemotes({ environment, remotes: new Map(Object.entries(remotes)) }).remotes.find(
    (one) => one.name === name,
  );
}

describe('built-in remotes', () => {
  test('are listed with the variables that are not set', () => {
    expect(named('r2')).toMatchObject({
      from: 'environment',
      key: 'missing',
      missing: ['R2_ACCOUNT_ID (or R2_ENDPOINT)', 'R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY'],
    });
  });

  test('say where they are when they are set up, and no secret', () => {
    const environment = {
      ...{ R2_ACCOUNT_ID: 'account', R2_BUCKET: 'lake', R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: SECRET },
    };
    const remote = named('r2', environment);
    expect(remote).toMatchObject({
      ...{ where: 'https://account.r2.cloudflarestorage.com/lake', key: 'set', missing: [] },
      keyFrom: 'R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY',
    });
    expect(JSON.stringify(remote)).not.toContain(SECRET);
  });
});

describe('configured remotes', () => {
  test.each<[RemoteConfig, Partial<NamedRemote>]>([
    [{ path: '/mnt/archive' }, { kind: 'folder', where: '/mnt/archive', key: 'none needed' }],
    [
      { url: 'https://example.org/a', fallback: ['r2:'] },
      { kind: 'https', fallback: ['r2:'] },
    ],
    [
      { endpoint: 'https://s3.example.org', bucket: 'lake', anonymous: true },
      { kind: 's3', key: 'none needed' },
    ],
    [
      { endpoint: 'https://s3.example.org', environment: 'OFFSITE' },
      { key: 'missing', from: 'configuration' },
    ],
    [
      { profile: 'backup', region: 'eu-west-1' },
      { key: 'chain', keyFrom: 'the AWS profile backup' },
    ],
    [{ credentialProcess: 'tool --key' }, { key: 'command', keyFrom: 'credentialProcess' }],
  ])('%j', (config, expected) => expect(named('offsite', {}, { offsite: config })).toMatchObject(expected));

  test('name the variables of their own', () => {
    const config = { endpoint: 'https://s3.example.org', environment: 'OFFSITE' };
    expect(named('offsite', {}, { offsite: config })?.missing).toEqual([
      'OFFSITE_ACCESS_KEY_ID',
      'OFFSITE_SECRET_ACCESS_KEY',
    ]);
  });
});
