/** What is read from an `s3:` location, and what is refused without being repeated. */
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { parseS3Location } from '../../src/remote/s3-location.js';

describe('an s3: location', () => {
  test.each([
    ['s3://my-bucket', 'my-bucket', '', 's3://my-bucket'],
    ['s3://my-bucket/', 'my-bucket', '', 's3://my-bucket'],
    ['s3:my-bucket/a/b/', 'my-bucket', 'a/b', 's3://my-bucket/a/b'],
    ['S3://My.Bucket_1/a b/ü%2F#x', 'My.Bucket_1', 'a b/ü%2F#x', 's3://My.Bucket_1/a b/ü%2F#x'],
  ])('%s', (location, bucket, prefix, shown) => {
    expect(parseS3Location(location)).toMatchObject({ bucket, prefix, shown, anonymous: false, endpoint: undefined });
  });

  test('may say endpoint, region, provider, style and that there is no key; and is shown so that it can be pasted', () => {
    const location =
      's3://bucket/p?endpoint=http%3A%2F%2F127.0.0.1%3A9000%2F&region=eu-west-1&provider=ceph&pathStyle=false&anonymous=true';
    const read = parseS3Location(location);
    expect(read).toMatchObject({
      ...{ bucket: 'bucket', prefix: 'p', endpoint: 'http://127.0.0.1:9000', region: 'eu-west-1' },
      ...{ provider: 'ceph', pathStyle: false, anonymous: true },
    });
    expect(read.shown).toBe(
      's3://bucket/p?endpoint=http://127.0.0.1:9000&region=eu-west-1&provider=ceph&pathStyle=false&anonymous=true',
    );
    expect(parseS3Location(read.shown)).toEqual(read);
  });

  test.each([
    's3://user:hunter2@bucket/x',
    's3://hunter2@bucket',
    's3:AKIA:hunter2/hunter2@bucket',
    's3://bucket?secretAccessKey=hunter2',
    's3://bucket?hunter2',
    's3://bucket?endpoint=https://user:hunter2@host',
    's3://bucket?endpoint=https://host/?key=hunter2',
    's3://bucket?region=hunter2@evil.example',
    's3://bucket?provider=hunter2',
    's3://bucket?pathStyle=hunter2',
    's3://bucket?region=',
    's3://bucket?region=a-1&region=b-2',
    's3://',
    's3:/x',
    's3://hunter2:x/',
    's3://ab/x',
    's3://bucket/a//b',
    's3://bucket/../x',
  ])('%s is refused, and nothing of it is repeated', (location) => {
    let error: unknown;
    try {
      parseS3Location(location);
    } catch (caught) {
      error = caught;
    }
    expect(isLakepackError(error)).toBe(true);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(USAGE|REMOTE_MISCONFIGURED)$/) });
    expect(JSON.stringify([String(error), (error as { hint?: string }).hint])).not.toContain('hunter2');
  });
});
