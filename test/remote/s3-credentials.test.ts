/** Keys that a command gives. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openS3Remote } from '../../src/remote/s3.js';
import { expectCode } from './bodies.js';
import { answering, settingsFor } from './s3-under-test.js';

const SECRET = 'made-up-secret-of-a-command';
const key = (more: object = {}): string =>
  JSON.stringify({
    Version: 1,
    AccessKeyId: 'made-up-id-7',
    SecretAccessKey: SECRET,
    SessionToken: 'token-7',
    ...more,
  });

async function used(command: string, times = 1): Promise<readonly NodeJS.Dict<string | string[]>[]> {
  const { endpoint, headers } = await answering((_request, response) => response.writeHead(204).end());
  const remote = openS3Remote(settingsFor({ endpoint, credentials: { type: 'command', command } }));
  onTestFinished(() => remote.close());
  for (let count = 0; count < times; count += 1) await remote.delete('a');
  return headers;
}

test('the key is used, and asked for once while it holds', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lakepack-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = path.join(folder, 'log');
  const headers = await used(`echo run >> '${log}'; echo '${key({ Expiration: inMinutes(60) })}'`, 3);
  expect(String(headers[0]?.['authorization'])).toContain('Credential=made-up-id-7/');
  expect(headers[0]).toMatchObject({ 'x-amz-security-token': 'token-7' });
  expect(await readFile(log, 'utf8')).toBe('run\n');
});

test('a key with minutes left is not asked for again with every call', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lakepack-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = path.join(folder, 'log');
  await used(`echo run >> '${log}'; echo '${key({ Expiration: inMinutes(3) })}'`, 3);
  expect(await readFile(log, 'utf8')).toBe('run\n');
});

test('a key that is about to expire is asked for again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lakepack-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = path.join(folder, 'log');
  await used(`echo run >> '${log}'; echo '${key({ Expiration: inMinutes(0.5) })}'`, 3);
  expect((await readFile(log, 'utf8')).length).toBeGreaterThanOrEqual('run\n'.length * 3);
});

test.each([
  ['fails', `echo '${key()}'; echo ${SECRET} >&2; exit 7`, 'exit code 7'],
  ['is not there', 'no-such-command-of-lakepack', 'exit code 127'],
  ['prints no JSON', `echo ${SECRET}`, 'JSON'],
  ['prints a list', `echo '["${SECRET}"]'`, 'Version'],
  ['prints another version', `echo '${key({ Version: 2 })}'`, 'Version'],
  ['prints half a key', `echo '${key({ AccessKeyId: '' })}'`, 'AccessKeyId'],
  ['prints a key that has expired', `echo '${key({ Expiration: '2020-01-01T00:00:00Z' })}'`, 'expired'],
  ['prints a moment that is none', `echo '${key({ Expiration: 'soon' })}'`, 'Expiration'],
])('a command that %s is CREDENTIALS_INVALID, and nothing it printed is repeated', async (_, command, words) => {
  const error: unknown = await used(command).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toMatchObject({ code: 'CREDENTIALS_INVALID', retryable: false });
  expect((error as Error).message).toContain(words);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
});

test('a command that takes its time does not hold a call that is given up', async () => {
  const remote = openS3Remote(settingsFor({ credentials: { type: 'command', command: 'exec sleep 2' } }));
  onTestFinished(() => remote.close());
  const abort = new AbortController();
  const call = remote.delete('a', { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expectCode(call, 'INTERRUPTED');
});

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}
