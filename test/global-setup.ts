/**
 * Once a run, in vitest's main process: keeps the S3 server that all tests share, started when the first one asks, and
 * the record of the watch for secrets, which fails the run when something leaked.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Ceph } from './servers/ceph.js';
import { noteFolder, notedLeaks } from './servers/secrets.js';
import { RECORD_VARIABLE, RUN_VARIABLE, SHARED_CEPH_VARIABLE } from './servers/variables.js';

export async function setup(): Promise<() => Promise<void>> {
  const startedAt = Date.now();
  const record = mkdtempSync(path.join(os.tmpdir(), 'lakepack-record-'));
  process.env[RECORD_VARIABLE] = record;
  // The script that started vitest may have chosen it, to look through what vitest prints.
  process.env[RUN_VARIABLE] ??= randomUUID().slice(0, 8);
  const shared = await offerCeph();
  process.env[SHARED_CEPH_VARIABLE] = shared.address;
  return async () => {
    await shared.close();
    leftFolders(startedAt).forEach(noteFolder);
    const leaks = notedLeaks(record);
    rmSync(record, { recursive: true, force: true });
    if (leaks.length === 0) return;
    const lines = leaks.slice(0, 20).map(({ what, where }) => `  ${what} in ${where}`);
    console.error(`FAILED: the watch for secrets noted (${leaks.length}):\n${lines.join('\n')}`);
    // vitest prints an error that is thrown here, and ends with 0 all the same.
    process.exitCode = 1;
  };
}

/** A server that starts Ceph when it is asked, and answers with its address and its keys. */
async function offerCeph(): Promise<{ readonly address: string; readonly close: () => Promise<void> }> {
  let started: Promise<Ceph> | undefined;
  const server = http.createServer((_request, response) => {
    // Imported when it is needed: a run without S3 tests does not wait for the S3 client to load.
    started ??= import('./servers/ceph.js').then(({ startCeph }) => startCeph());
    started.then(
      ({ endpoint, region, keys, other }) => response.end(JSON.stringify({ endpoint, region, keys, other })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      const ceph = await started?.catch(() => undefined);
      await ceph?.stop();
    },
  };
}

/** What tests of this run, or others at the same time, left behind; a secret of this run tells them apart. */
function leftFolders(startedAt: number): readonly string[] {
  return readdirSync(os.tmpdir())
    .filter((name) => name.startsWith('lakepack-'))
    .map((name) => path.join(os.tmpdir(), name))
    .filter((folder) => (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= startedAt);
}
