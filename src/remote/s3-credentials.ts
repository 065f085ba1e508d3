/**
 * Where the S3 client takes its key from. It answers for keys that run out being fetched again, and for nothing of a
 * key, or of what a command printed, reaching a message.
 */
import { execFile } from 'node:child_process';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { LakepackError } from '../base/errors.js';
import type { S3Credentials } from './s3-settings.js';

/** A command may ask a person for a code. */
const COMMAND_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

type CredentialConfig = Pick<S3ClientConfig, 'credentials' | 'profile' | 'signer'>;

/** A key as the client wants it. */
interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** A key with less time left is asked for again. The client by itself asks within five minutes, several times a call. */
const MIN_LEFT_MS = 60_000;

/** The part of the client's configuration that is about keys. */
export function credentialConfig(credentials: S3Credentials): CredentialConfig {
  switch (credentials.type) {
    case 'chain':
      return credentials.profile === undefined ? {} : { profile: credentials.profile };
    case 'keys':
      return { credentials: async () => ({ ...credentials.read() }) };
    case 'command':
      return { credentials: whileFresh(() => runCommand(credentials.command)) };
    case 'anonymous':
      // The client wants a key before it does not sign with it.
      return { credentials: { accessKeyId: 'anonymous', secretAccessKey: '' }, signer: UNSIGNED };
  }
}

const UNSIGNED = { sign: async <T>(request: T): Promise<T> => request };

/** Asks once for all who wait, and again when the key runs out or could not be had. */
function whileFresh(load: () => Promise<Identity>): () => Promise<Identity> {
  let current: Promise<Identity> | undefined;
  return async () => {
    const asked = (current ??= load());
    const identity = await asked.catch((error: unknown) => {
      if (current === asked) current = undefined;
      throw error;
    });
    const leftMs = (identity.expiration?.getTime() ?? Infinity) - Date.now();
    if (leftMs < MIN_LEFT_MS && current === asked) current = undefined;
    // It still holds for this call; one that has run out while it was kept is asked for at once.
    return leftMs > 0 ? identity : (current ??= load());
  };
}

/** @throws CREDENTIALS_INVALID. What the command printed is in no message: it may be the key. */
async function runCommand(command: string): Promise<Identity> {
  const printed = await new Promise<string>((resolve, reject) => {
    const options = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true };
    // Through a shell, as AWS runs a credential_process: the setting is a command line.
    const [shell, flag] = ['sh', '-c'];
    const child = execFile(shell, [flag, command], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(commandFailed(howItEnded(error)));
    });
    child.stdin?.end();
  });
  return identityOf(printed);
}

function howItEnded(error: { readonly code?: unknown; readonly killed?: boolean; readonly signal?: unknown }): string {
  if (error.killed === true) return `it did not end within ${COMMAND_TIMEOUT_MS / 1000} s, or printed too much`;
  if (typeof error.code === 'number') return `it ended with exit code ${error.code}`;
  if (typeof error.signal === 'string') return `it was ended by ${error.signal}`;
  return typeof error.code === 'string' ? `it could not be run (${error.code})` : 'it could not be run';
}

function identityOf(printed: string): Identity {
  const fields = parseObject(printed);
  const text = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (fields['Version'] !== 1) throw commandFailed('it did not print an object with "Version": 1');
  const [accessKeyId, secretAccessKey] = [text('AccessKeyId'), text('SecretAccessKey')];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw commandFailed('it printed no AccessKeyId or no SecretAccessKey');
  }
  const sessionToken = text('SessionToken');
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...expirationOf(text('Expiration')),
  };
}

function parseObject(printed: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(printed);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // The parser quotes what it read: its error must not become a cause.
  }
  throw commandFailed('it did not print a JSON object');
}

function expirationOf(text: string | undefined): { readonly expiration?: Date } {
  if (text === undefined) return {};
  const expiration = new Date(text);
  if (Number.isNaN(expiration.getTime())) throw commandFailed('it printed an Expiration that is no moment');
  if (expiration.getTime() <= Date.now()) throw commandFailed('it printed a key that has expired');
  return { expiration };
}

function commandFailed(how: string): LakepackError {
  return new LakepackError('CREDENTIALS_INVALID', `credentials: the command that gives the key failed: ${how}`, {
    hint: 'run the command by hand: it must print the JSON that AWS expects of a credential_process',
    retryable: false,
  });
}
