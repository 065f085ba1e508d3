/**
 * The secrets of the whole suite are made here and nowhere else. Every one begins with a mark that belongs to this
 * run, so that `secrets.ts` can tell a leak by one look, whatever the rest of the key is.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { watchForSecrets } from './secret-watch.js';
import { RUN_VARIABLE } from './variables.js';

export interface TestKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const SECRET_LENGTH = 40;
const KEY_ID_LENGTH = 20;

/** A key pair as stores hand them out. From here on this process is watched for its secret. */
export function makeKeys(): TestKeys {
  watchForSecrets();
  return {
    accessKeyId: `LPTK${runMark()}${letters(KEY_ID_LENGTH)}`.toUpperCase().slice(0, KEY_ID_LENGTH),
    secretAccessKey: `${secretMark()}${letters(SECRET_LENGTH)}`.slice(0, SECRET_LENGTH),
  };
}

/** A secret of any other kind: a session token, a password. */
export function makeSecret(length = SECRET_LENGTH): string {
  watchForSecrets();
  return `${secretMark()}${letters(length)}`.slice(0, length);
}

/** What every secret of this run begins with. */
export function secretMark(): string {
  return `lpsecret${runMark()}`;
}

/** Eight letters that belong to this run; the global setup hands them to every process of it. */
function runMark(): string {
  return (process.env[RUN_VARIABLE] ??= randomUUID().slice(0, 8));
}

function letters(length: number): string {
  return randomBytes(length).toString('hex');
}
