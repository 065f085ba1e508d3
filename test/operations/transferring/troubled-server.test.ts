/** Transfers with a real store that is in trouble, or guarded: busy, killed and started again, locked, read-only, over TLS. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { programWords, runProgram } from '../../../scripts/campaigns/program.js';
import type { ArchiveLocation } from '../../../src/archive/contract.js';
import { transfer, verify } from '../../../src/index.js';
import { cephMissing, startCeph, type Ceph, type CephOptions } from '../../servers/ceph.js';
import { makeCertificate, tlsMissing } from '../../servers/tls.js';
import { codeOf, makeFolder, packInto, placeWith, SMALL, type Place } from '../lakes.js';
import { writeLarge } from './kit.js';

describe.skipIf(cephMissing() !== undefined)('a store', () => {
  test('that answers 503 to whoever asks too much at once gets everything in the end', async () => {
    const ceph = await start({ maxRequests: 2 });
    const place = await archiveOf(40);
    const to = await locationIn(ceph);
    const report = await transfer({ from: place.lake, to, stateDir: place.stateDir, concurrency: 16 });
    expect(report.totals).toMatchObject({ transferred: 40, failed: 0 });
    expect((await verify({ archive: to, depth: 'stored' })).ok).toBe(true);
  }, 60_000);

  test('whose gateway is killed and started again in the middle gets everything in the end', async () => {
    const ceph = await start();
    const place = await archiveOf(3);
    writeLarge(place, 70 * 1024 * 1024);
    await packInto(place, { to: place.lake });
    const to = await locationIn(ceph);
    let killed: Promise<void> | undefined;
    const report = await transfer({
      from: place.lake,
      to,
      stateDir: place.stateDir,
      onProgress: ({ type }) => {
        if (type === 'advance') killed ??= restartGateway(ceph);
      },
    });
    await killed;
    expect(killed).toBeDefined();
    expect(report.totals).toMatchObject({ transferred: 4, failed: 0 });
    expect((await verify({ archive: to, depth: 'stored' })).ok).toBe(true);
  }, 60_000);

  test('with versions and object lock takes a push, and says who may not write', async () => {
    const ceph = await start();
    const place = await archiveOf(3);
    const bucket = await ceph.createBucket(undefined, { objectLock: true, readOnlyForOther: true });
    const to = await locationIn(ceph, bucket);
    expect((await transfer({ from: place.lake, to, stateDir: place.stateDir })).totals.transferred).toBe(3);
    const asOther = await locationIn(ceph, bucket, ceph.other);
    expect((await verify({ archive: asOther, depth: 'stored' })).ok).toBe(true);
    const more = await archiveOf(0);
    expect(await codeOf(transfer({ from: more.lake, to: asOther, stateDir: more.stateDir }))).toBe('PERMISSION_DENIED');
    expect((await transfer({ from: asOther, to: place.into, stateDir: more.stateDir })).totals.transferred).toBe(3);
  }, 60_000);

  test.skipIf(tlsMissing() !== undefined)(
    'over TLS takes a push from who trusts its authority',
    async () => {
      const certificate = makeCertificate();
      onTestFinished(() => certificate.remove());
      const ceph = await start({ tls: certificate });
      const place = await archiveOf(3);
      const bucket = await ceph.createBucket();
      const env = {
        MINIO_ENDPOINT: ceph.endpoint,
        MINIO_ROOT_USER: ceph.keys.accessKeyId,
        MINIO_ROOT_PASSWORD: ceph.keys.secretAccessKey,
        LAKEPACK_STATE_DIR: place.stateDir,
      };
      const words = programWords(makeFolder());
      const push = ['export', 'push', place.lake, '--to', `minio:${bucket}`, '--quiet'];
      const refused = await runProgram({ words, env }, push);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('NODE_EXTRA_CA_CERTS')]);
      const trusted = { words, env: { ...env, NODE_EXTRA_CA_CERTS: certificate.ca } };
      expect(await runProgram(trusted, push)).toMatchObject({ code: 0, stderr: '' });
      expect(await runProgram(trusted, ['verify', '--archive', `minio:${bucket}`, '--quiet'])).toMatchObject({
        code: 0,
      });
    },
    60_000,
  );
});

async function start(options: CephOptions = {}): Promise<Ceph> {
  const ceph = await startCeph(options);
  onTestFinished(() => ceph.stop());
  return ceph;
}

/** A lake that is an archive too, with so many exports of one small file; with none, the usual small lake. */
async function archiveOf(exports: number): Promise<Place> {
  const files = Array.from({ length: exports }, (_, number): [string, string] => [
    `gold/many/part=${number}/x.txt`,
    `content ${number}`,
  ]);
  const place = placeWith(exports === 0 ? SMALL : Object.fromEntries(files));
  await packInto(place, { to: place.lake });
  return place;
}

async function locationIn(ceph: Ceph, bucket?: string, keys = ceph.keys): Promise<ArchiveLocation> {
  const environment = {
    MINIO_ENDPOINT: ceph.endpoint,
    MINIO_ROOT_USER: keys.accessKeyId,
    MINIO_ROOT_PASSWORD: keys.secretAccessKey,
  };
  const name = bucket ?? (await ceph.createBucket());
  return { location: path.posix.join(`minio:${name}`, 'lake'), context: { environment, remotes: new Map() } };
}

async function restartGateway(ceph: Ceph): Promise<void> {
  await ceph.kill('gateway');
  await delay(300);
  await ceph.restart();
}
