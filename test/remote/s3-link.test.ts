/** Links: what one gives, for how long, and who can make one. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import { hasSharedCeph } from '../servers/ceph.js';
import { expectCode } from './bodies.js';
import { s3Settings, settingsFor } from './s3-under-test.js';

const WEEK = 7 * 24 * 60 * 60;

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  test('a link reads its object, also a range of it, and nothing else', async () => {
    const remote = open(await s3Settings());
    await remote.put('a b/ü+%.tar.zst', Buffer.from('0123456789'));
    await remote.put('a b/other', Buffer.from('secret'));
    const link = (await remote.link('a b/ü+%.tar.zst', 60)) ?? '';
    expect(await (await fetch(link)).text()).toBe('0123456789');
    expect(await (await fetch(link, { headers: { range: 'bytes=2-4' } })).text()).toBe('234');
    expect((await fetch(link.replace(/%C3%BC[^?]*/, 'other'))).status).toBe(403);
    expect((await fetch(link, { method: 'DELETE' })).status).toBe(403);
  });
});

test('a link holds a week at most, and asks the store nothing', async () => {
  const remote = open(settingsFor());
  const link = new URL((await remote.link('a', WEEK)) ?? '');
  expect(link.searchParams.get('X-Amz-Expires')).toBe(String(WEEK));
  for (const seconds of [0, -1, 1.5, WEEK + 1, Number.NaN]) await expectCode(remote.link('a', seconds), 'USAGE');
  await expectCode(remote.link('../a', 60), 'PATH_UNSAFE');
});

test('without a key there is none', async () => {
  expect(await open(settingsFor({ credentials: { type: 'anonymous' } })).link('a', 60)).toBeUndefined();
});

function open(settings: S3Settings): Remote {
  const remote = openS3Remote(settings);
  onTestFinished(() => remote.close());
  return remote;
}
