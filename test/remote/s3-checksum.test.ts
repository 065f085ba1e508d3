/**
 * Checksums that a store makes by itself. No server that runs here makes them: what is tried is a fake, written from the
 * documents of AWS and R2.
 */
import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import { profileOf } from '../../src/remote/providers/profiles.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { parseChecksum } from '../../src/remote/s3-checksum.js';
import { startChecksumFake } from '../servers/checksum-fake.js';
import { pattern, streamOf } from './bodies.js';
import { describeRemote } from './contract.js';
import { answering, settingsFor } from './s3-under-test.js';

// R2 is the stricter of the two: it wants equal parts.
describeRemote('the S3 remote over the fake', async () => {
  const fake = await startChecksumFake({ equalParts: true });
  const settings = settingsFor({ endpoint: fake.endpoint, provider: profileOf('r2'), prefix: 'p' });
  const remote = openS3Remote(settings);
  return { remote, reopen: async () => openS3Remote(settings), dispose: () => fake.close() };
});

describe.each(['aws', 'r2'] as const)('with the profile %s', (name) => {
  test('an object has the SHA-256 of its bytes, one of parts that of its parts', async () => {
    const fake = await startChecksumFake();
    onTestFinished(() => fake.close());
    const remote = openS3Remote(settingsFor({ endpoint: fake.endpoint, provider: profileOf(name) }));
    onTestFinished(() => remote.close());
    const bytes = Buffer.alloc(33 * MIB, pattern(1_000_003));
    await remote.put('small', bytes.subarray(0, 100));
    await remote.put('large', streamOf(bytes, 7 * MIB));
    expect(await remote.checksum('small')).toEqual({ type: 'full', sha256: hashOf(bytes.subarray(0, 100)), parts: 1 });
    const parts = [0, 16, 32].map((at) =>
      createHash('sha256')
        .update(bytes.subarray(at * MIB, (at + 16) * MIB))
        .digest(),
    );
    expect(await remote.checksum('large')).toEqual({
      type: 'composite',
      sha256: hashOf(Buffer.concat(parts)),
      parts: 3,
    });
    await expect(remote.checksum('absent')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('a store that makes none is not asked', async () => {
  const { endpoint, requests } = await answering((_request, response) => response.end());
  const remote = openS3Remote(settingsFor({ endpoint, provider: profileOf('ceph') }));
  onTestFinished(() => remote.close());
  expect(await remote.checksum('a')).toBeUndefined();
  expect(requests).toEqual([]);
});

test('what a store says is read strictly', () => {
  const base64 = 'LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=';
  const sha256 = hashOf(Buffer.from('x'));
  expect(parseChecksum(base64)).toEqual({ type: 'full', sha256, parts: 1 });
  expect(parseChecksum(`${base64}-17`)).toEqual({ type: 'composite', sha256, parts: 17 });
  for (const odd of [undefined, '', 'x', base64.slice(1), `${base64}-`, `${base64}-x`, `${base64}=`, ` ${base64}`]) {
    expect(parseChecksum(odd)).toBeUndefined();
  }
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
