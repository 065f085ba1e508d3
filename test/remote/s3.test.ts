/** The contract over a real S3 server. */
import { describe, expect, test } from 'vitest';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { hasSharedCeph } from '../servers/ceph.js';
import { describeRemote } from './contract.js';
import { s3Settings } from './s3-under-test.js';

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  describeRemote('the S3 remote', async () => {
    const settings = await s3Settings();
    const remote = openS3Remote(settings);
    return { remote, traces: () => uploadsOf(remote), reopen: async () => openS3Remote(settings) };
  });

  test('shows itself as it was named, and knows itself however it was spelled', async () => {
    const settings = await s3Settings({ prefix: 'a/b' });
    const remote = openS3Remote(settings);
    expect(remote.url).toBe('ceph:test');
    expect(remote.identity).toBe(`s3 ${settings.endpoint ?? ''} ${settings.bucket} a/b`);
    const spelled = openS3Remote({ ...settings, shown: 'other', endpoint: `${settings.endpoint ?? ''}/` });
    expect(spelled.identity).toBe(remote.identity);
  });
});

/** Half-written objects: what a listing does not show. */
async function uploadsOf(remote: Remote): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of remote.parts?.listUploads('') ?? []) keys.push(key);
  return keys;
}
