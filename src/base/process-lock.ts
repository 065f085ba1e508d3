/**
 * Lets one process at a time do what two must not do at once: pack a lake into an archive, restore into a folder. The lock is a listening socket, so the kernel gives it back
 * when its owner dies, however it dies; no stale lock file can stop a nightly job.
 */
import { sha256Of } from './sha256.js';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { platform, tmpdir } from 'node:os';
import path from 'node:path';
import { LakepackError, systemErrorCode } from './errors.js';

export interface ProcessLock {
  release(): Promise<void>;
}

/**
 * Throws OBJECT_EXISTS when another process holds the lock.
 * @param name what is locked; any text.
 * @param busy the message then: `subject: what is wrong`.
 */
export async function acquireLock(name: string, busy: string): Promise<ProcessLock> {
  const address = lockAddress(name);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const server = await listen(address);
    if (server !== undefined) return { release: () => close(server) };
    if (await isAlive(address)) break;
    // A socket file without a listener: its owner was killed. Only platforms with socket files come here.
    await unlink(address).catch(ignoreAbsent);
  }
  throw new LakepackError('OBJECT_EXISTS', busy, {
    hint: 'wait until it has finished, then run the same command again',
    retryable: true,
  });
}

function lockAddress(name: string): string {
  const id = `lakepack-${sha256Of(name).slice(0, 32)}`;
  if (platform() === 'linux') return `\0${id}`;
  return platform() === 'win32' ? `\\\\.\\pipe\\${id}` : path.join(tmpdir(), `${id}.sock`);
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (systemErrorCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

function isAlive(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function ignoreAbsent(error: unknown): void {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
}
