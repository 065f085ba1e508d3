/** Listings: what a real store lists, and lists that are not whole. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_S3_TIMEOUTS } from '../../src/remote/s3-settings.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { hasSharedCeph, plainClient, sharedCeph } from '../servers/ceph.js';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { keysOf } from './bodies.js';
import { answering, s3Settings, settingsFor } from './s3-under-test.js';

interface Page {
  readonly keys: readonly string[];
  readonly next?: string;
  readonly truncated?: boolean;
}

function pageXml({ keys, next, truncated = next !== undefined }: Page): string {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>3</Size></Contents>`).join('');
  const token = next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`;
  return `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><IsTruncated>${truncated}</IsTruncated>${token}${contents}</ListBucketResult>`;
}

async function listing(
  ...pages: readonly Page[]
): Promise<{ readonly remote: Remote; readonly requests: readonly string[] }> {
  const { endpoint, requests } = await answering((_request, response, count) =>
    response.setHeader('content-type', 'application/xml').end(pageXml(pages[count - 1] ?? pages.at(-1)!)),
  );
  const remote = openS3Remote(settingsFor({ endpoint, prefix: 'p', timeouts: DEFAULT_S3_TIMEOUTS }));
  onTestFinished(() => remote.close());
  return { remote, requests };
}

const STRANGE = { code: 'REMOTE_UNAVAILABLE', retryable: true };

describe('a list in pages', () => {
  test('goes on with the token it was given', async () => {
    const { remote, requests } = await listing({ keys: ['p/a', 'p/b'], next: 'to+ken/=' }, { keys: ['p/c'] });
    expect(await keysOf(remote.list(''))).toEqual(['a', 'b', 'c']);
    expect(requests[1]).toContain('continuation-token=to%2Bken%2F%3D');
  });

  test('that breaks off in the middle is an error', async () => {
    const { remote } = await listing({ keys: ['p/a'], truncated: true });
    await expect(keysOf(remote.list(''))).rejects.toMatchObject(STRANGE);
  });

  test('that goes round in a circle ends', async () => {
    const { remote } = await listing({ keys: ['p/a'], next: 'x' }, { keys: [], next: 'y' }, { keys: [], next: 'x' });
    await expect(keysOf(remote.list(''))).rejects.toMatchObject(STRANGE);
  });

  test.each([[['p/b', 'p/a']], [['p/a', 'p/a']], [['p/\uff5e', 'p/\u{1f600}', 'p/b']]])(
    'that is not in byte order, %j, is an error',
    async (keys) => {
      const { remote } = await listing({ keys });
      await expect(keysOf(remote.list(''))).rejects.toMatchObject(STRANGE);
    },
  );

  test('with keys of somewhere else is an error', async () => {
    const { remote } = await listing({ keys: ['other/a'] });
    await expect(keysOf(remote.list(''))).rejects.toMatchObject(STRANGE);
    const { remote: second } = await listing({ keys: ['p/b/x'] });
    await expect(keysOf(second.list('a/'))).rejects.toMatchObject(STRANGE);
  });

  test('may hold empty pages', async () => {
    const { remote } = await listing({ keys: [], next: 'x' }, { keys: ['p/a'], next: 'y' }, { keys: [] });
    expect(await keysOf(remote.list(''))).toEqual(['a']);
  });
});

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  test('more objects than a page holds are listed once each', async () => {
    const remote = openS3Remote(await s3Settings());
    onTestFinished(() => remote.close());
    const keys = Array.from({ length: 1_005 }, (_, index) => `a/${String(index).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 64) {
      await Promise.all(keys.slice(at, at + 64).map((key) => remote.put(key, Buffer.from('x'))));
    }
    expect(await keysOf(remote.list('a/'))).toEqual(keys);
  });

  test('what a console or another tool left there, and is no key of an archive, is passed over', async () => {
    const server = await sharedCeph();
    const settings = await s3Settings({ prefix: 'q' });
    const client = plainClient(server);
    onTestFinished(() => client.destroy());
    for (const Key of ['q/', 'q/a/', 'q/a/x', 'q/a//y', 'q/../z', 'qq/x', 'q']) {
      await client.send(new PutObjectCommand({ Bucket: settings.bucket, Key, Body: 'x' }));
    }
    const remote = openS3Remote(settings);
    onTestFinished(() => remote.close());
    expect(await keysOf(remote.list(''))).toEqual(['a/x']);
  });
});
