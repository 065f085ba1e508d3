import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../cli/run-cli.js';
import { makeKeys, makeSecret, secretMark } from './keys.js';
import { noteFolder, notedLeaks } from './secrets.js';
import { RECORD_VARIABLE } from './variables.js';

/** Planted leaks go into a record of this file's own, so that they do not fail the run. */
describe('the watch for secrets finds one', () => {
  const recordOfTheRun = process.env[RECORD_VARIABLE];
  const { secretAccessKey: secret } = makeKeys();
  let record: string;

  beforeEach(() => {
    record = mkdtempSync(path.join(os.tmpdir(), 'lakepack-record-'));
    process.env[RECORD_VARIABLE] = record;
  });

  afterEach(() => {
    process.env[RECORD_VARIABLE] = recordOfTheRun ?? os.tmpdir();
    rmSync(record, { recursive: true, force: true });
  });

  const found = () => notedLeaks(record).map(({ what, where }) => `${what} in ${where}`);

  test('in the output of the command line, and never repeats it', async () => {
    await runCli(['no-such-command', secret]);
    expect(found()).toEqual([expect.stringMatching(/^a secret key in the output of lakepack no-such-command/)]);
    expect(found().join()).not.toContain(secretMark());
  });

  test('in what a child process says, also in two pieces', async () => {
    const script = `process.stdout.write('${secret.slice(0, 10)}'); setTimeout(() => process.stdout.write('${secret.slice(10)}'), 50)`;
    const child = spawn(process.execPath, ['--eval', script]);
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(secret);
    expect(found()).toEqual([expect.stringMatching(/^a secret key in a child process/)]);
  });

  test('in what a child process says that is waited for', () => {
    const env = { ...process.env, PLANTED: secret };
    const script = 'console.error(process.env.PLANTED)';
    spawnSync(process.execPath, ['--eval', script], { env });
    expect(found()).toHaveLength(1);
    execFileSync(process.execPath, ['--eval', 'console.log(process.env.PLANTED, 1)'], { env });
    expect(found()).toHaveLength(2);
  });

  test('on a command line', async () => {
    const child = spawn(process.execPath, ['--eval', '', secret]);
    await once(child, 'close');
    expect(found()).toEqual([expect.stringMatching(/^a secret key in the command line of a child process/)]);
  });

  test('in an error that a test compares, also in its cause', () => {
    const error = new Error('outer', { cause: new Error(`inner ${secret}`) });
    expect(error).toMatchObject({ message: 'outer' });
    expect(found()).toEqual(['a secret key in an error: Error']);
  });

  test('in a file of a folder that is removed', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-watched-'));
    mkdirSync(path.join(folder, 'state'));
    writeFileSync(path.join(folder, 'state/journal.jsonl'), `{"key":"${makeSecret()}"}`);
    writeFileSync(path.join(folder, 'credential-process.sh'), secret);
    await rm(folder, { recursive: true });
    expect(found()).toEqual([`a secret key in ${path.join(folder, 'state/journal.jsonl')}`]);
  });

  test('in a file of a folder that is left behind', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-watched-'));
    writeFileSync(path.join(folder, 'log'), secret);
    noteFolder(folder);
    expect(found()).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });

  test('in a signed link, unless `remote share` prints it', async () => {
    const link = 'http://host/bucket/key?X-Amz-Credential=x&X-Amz-Signature=0';
    await runCli(['remote', 'share', link]);
    expect(found()).toEqual([]);
    await runCli(['remote', 'ls', link]);
    expect(found()).toEqual([expect.stringMatching(/^a signed link in the output of lakepack remote ls/)]);
  });
});
