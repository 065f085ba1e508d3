/**
 * The watch for secrets. Whatever leaves the code under test is looked through for the keys of this run: output of the
 * command line and of child processes, their command lines, errors that tests compare, and every file of a temporary
 * folder before a test removes it. A leak is noted in the record of the run, and the global setup fails the run at its end.
 *
 * Signed links are secrets too, except where `remote share` prints them. Files that a test writes to hand a key in
 * (a `credential_process`) have `credential` in their names and are passed over.
 */
import { appendFileSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { RECORD_VARIABLE, RUN_VARIABLE } from './variables.js';

export interface Leak {
  /** What was looked through, without what was found there. */
  readonly where: string;
  readonly what: 'a secret key' | 'a signed link';
}

export interface LeakOptions {
  readonly linksAllowed?: boolean;
}

const LEAKS = 'leaks.jsonl';
const LINK = /X-Amz-(Signature|Credential)=|AWS4-HMAC-SHA256 Credential=/i;
const LARGEST_FILE_BYTES = 4 * 1024 * 1024;
const MOST_FILES = 5_000;
const OWN_FOLDERS = /(^|\/)lakepack-(ceph|tls|record)-/;
const INPUTS = /credential/i;

/** What a text gives away. */
export function leaksIn(text: string, where: string, options: LeakOptions = {}): readonly Leak[] {
  const secrets = knownSecrets().some((secret) => text.includes(secret));
  const links = options.linksAllowed !== true && LINK.test(text);
  return [
    ...(secrets ? [{ where, what: 'a secret key' } as const] : []),
    ...(links ? [{ where, what: 'a signed link' } as const] : []),
  ];
}

/** Looks through a text and notes what it gives away. */
export function noteOutput(text: string, where: string, options: LeakOptions = {}): void {
  note(leaksIn(text, where, options));
}

/** Looks through an error with its hint, its causes and all it carries. */
export function noteError(error: unknown): void {
  const text = inspect(error, { depth: 8, maxStringLength: null, maxArrayLength: null });
  noteOutput(text, `an error: ${error instanceof Error ? error.name : typeof error}`);
}

/** Looks through the files below a folder, or through one file. */
export function noteFolder(folder: string): void {
  if (OWN_FOLDERS.test(folder) || !existsSync(folder)) return;
  for (const file of filesOf(folder)) {
    noteOutput(readFileSync(file, 'latin1'), file, { linksAllowed: /share/.test(path.basename(file)) });
  }
}

/** What was noted in a run so far. */
export function notedLeaks(record: string): readonly Leak[] {
  const file = path.join(record, LEAKS);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return [...new Set(lines)].map((line) => JSON.parse(line) as Leak);
}

function note(leaks: readonly Leak[]): void {
  const record = process.env[RECORD_VARIABLE];
  if (record === undefined || leaks.length === 0) return;
  appendFileSync(path.join(record, LEAKS), leaks.map((leak) => `${JSON.stringify(redacted(leak))}\n`).join(''));
}

/** A name may hold a secret itself. */
function redacted(leak: Leak): Leak {
  const where = knownSecrets().reduce((text, secret) => text.split(secret).join('[secret]'), leak.where);
  return {
    ...leak,
    where: where.replaceAll(/(\[secret\])\w*/g, '$1').replaceAll(/(X-Amz-(Signature|Credential)=)[^&\s]*/gi, '$1[…]'),
  };
}

function knownSecrets(): readonly string[] {
  const given = process.env.LAKEPACK_TEST_S3_SECRET_ACCESS_KEY ?? '';
  const run = process.env[RUN_VARIABLE];
  return [...(run === undefined ? [] : [`lpsecret${run}`]), ...(given === '' ? [] : [given])];
}

function filesOf(folder: string): readonly string[] {
  if (!statSync(folder).isDirectory()) return isWatched(folder) ? [folder] : [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .slice(0, MOST_FILES)
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter(isWatched);
}

function isWatched(file: string): boolean {
  if (INPUTS.test(path.basename(file)) || OWN_FOLDERS.test(file)) return false;
  try {
    return statSync(file).size <= LARGEST_FILE_BYTES;
  } catch {
    // Removed by another process in between: there is nothing left to look through.
    return false;
  }
}
