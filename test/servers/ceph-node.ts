/**
 * A real S3 for tests: one node of Ceph with its RADOS gateway, on free loopback ports, up in under a second, gone
 * when it is stopped or when the process that started it dies. Two users: the owner of the buckets and another.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createBucket, type BucketOptions } from './ceph-buckets.js';
import { CEPH_PORTS, cephConfig, type CephConfig } from './ceph-config.js';
import { startDaemons, type Daemon, type Daemons } from './daemons.js';
import { makeKeys, type TestKeys } from './keys.js';
import { freePorts } from './ports.js';
import { hasProgram } from './programs.js';

export interface CephOptions {
  /** Paths of PEM files: the gateway speaks https only. `test/servers/tls.ts` makes them; `ca` is for `createBucket`. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Requests at once before a real 503 SlowDown. Default 1,024. */
  readonly maxRequests?: number;
  /** How long a day of a lifecycle rule lasts. Default: a day. */
  readonly lifecycleDaySeconds?: number;
  /** Keeps its data on disk, so that all of it can be killed and started again. Default false: in memory. */
  readonly persistent?: boolean;
  /** What a store in memory says it can hold. Default 6. */
  readonly memoryGiB?: number;
}

export interface Ceph {
  readonly endpoint: string;
  readonly region: 'us-east-1';
  /** The user `tester`, who owns what `createBucket` makes. */
  readonly keys: TestKeys;
  /** The user `other`, who may do only what a bucket policy allows. */
  readonly other: TestKeys;
  /** A new bucket; a name is made up where none is given. */
  createBucket(name?: string, options?: BucketOptions): Promise<string>;
  /**
   * SIGKILL to everything, or to the gateway alone. `restart` brings back what is not running, on the same port; the
   * first write after it may take 2 s.
   */
  kill(what?: 'all' | 'gateway'): Promise<void>;
  restart(): Promise<void>;
  /** `radosgw-admin`, and what it prints. */
  admin(args: readonly string[]): Promise<string>;
  /** Ends everything and removes its data. Idempotent. */
  stop(): Promise<void>;
}

const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'sh'];
const START_MS = 60_000;
const ATTEMPTS = 3;

/** Why no Ceph can be started here, or undefined when one can. */
export function cephMissing(): string | undefined {
  const missing = PROGRAMS.filter((program) => !hasProgram(program));
  if (missing.length === 0) return undefined;
  return `no ${missing.join(', ')} on this machine (Debian packages radosgw, ceph-mon, ceph-osd)`;
}

export async function startCeph(options: CephOptions = {}): Promise<Ceph> {
  const missing = cephMissing();
  if (missing !== undefined) throw new Error(`Ceph cannot start: ${missing}`);
  for (let attempt = 1; ; attempt++) {
    const cluster = openCluster(options, await freePorts(CEPH_PORTS));
    try {
      return await cluster.start();
    } catch (error) {
      await cluster.daemons.end();
      // Another process may have taken a port in between.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

function openCluster(options: CephOptions, port: number) {
  const config: CephConfig = {
    folder: newFolder(options.persistent === true),
    fsid: randomUUID(),
    port,
    persistent: options.persistent === true,
    memoryGiB: options.memoryGiB ?? 6,
    maxRequests: options.maxRequests ?? 1024,
    lifecycleDaySeconds: options.lifecycleDaySeconds,
    tls: options.tls,
    dnsName: 'localhost',
  };
  const file = path.join(config.folder, 'ceph.conf');
  writeFileSync(file, cephConfig(config));
  const daemons = startDaemons(config.folder, { ...process.env, CEPH_CONF: file });
  return { daemons, start: () => startCluster(config, file, daemons, options.tls?.ca) };
}

async function startCluster(config: CephConfig, file: string, daemons: Daemons, ca: string | undefined): Promise<Ceph> {
  const running = new Map<string, Daemon>();
  const conf = ['-c', file];
  const admin = (args: readonly string[]) => daemons.run('radosgw-admin', [...conf, '-n', 'client.rgw', ...args]);
  const start = (name: 'mon' | 'osd' | 'rgw') => {
    if (running.get(name)?.hasEnded() === false) return;
    const [program, args] = {
      mon: ['ceph-mon', ['-i', 'a', '-f']] as const,
      osd: ['ceph-osd', ['-i', '0', '-f']] as const,
      rgw: ['radosgw', ['-n', 'client.rgw', '-f']] as const,
    }[name];
    running.set(name, daemons.start(name, program, [...conf, ...args]));
  };
  const endpoint = `${config.tls === undefined ? 'http' : 'https'}://127.0.0.1:${config.port}`;
  const keys = makeKeys();
  const other = makeKeys();

  await makeMonitor(config, file, daemons);
  start('mon');
  await makeStore(conf, daemons);
  start('osd');
  await addUser(admin, 'tester', keys);
  await addUser(admin, 'other', other);
  start('rgw');
  await listening(config.port, running.get('rgw')!);

  return {
    ...{ endpoint, region: 'us-east-1', keys, other, admin },
    createBucket: (name, options) => createBucket({ endpoint, keys, ca }, name, options),
    async kill(what = 'all') {
      const killed = [...running].filter(([name]) => what === 'all' || name === 'rgw');
      await Promise.all(killed.map(([, daemon]) => daemon.kill()));
    },
    async restart() {
      if (!config.persistent && running.get('osd')?.hasEnded() !== false) {
        throw new Error('the data were in memory: start Ceph with `persistent` to kill all of it');
      }
      for (const name of ['mon', 'osd', 'rgw'] as const) start(name);
      await listening(config.port, running.get('rgw')!);
    },
    stop: onceOnly(() => daemons.end()),
  };
}

async function makeMonitor({ folder, fsid, port }: CephConfig, file: string, daemons: Daemons): Promise<void> {
  const map = path.join(folder, 'monmap');
  const address = `[v2:127.0.0.1:${port + 1}]`;
  await daemons.run('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', address, map]);
  await daemons.run('ceph-mon', ['-c', file, '-i', 'a', '--mkfs', '--monmap', map]);
}

async function makeStore(conf: readonly string[], daemons: Daemons): Promise<void> {
  const uuid = randomUUID();
  await Promise.all([
    daemons.run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', uuid, '--no-mon-config']),
    daemons.run('ceph', [...conf, '--connect-timeout', '20', 'osd', 'new', uuid, '0']),
  ]);
}

async function addUser(admin: Ceph['admin'], name: string, keys: TestKeys): Promise<void> {
  const pair = ['--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey];
  await admin(['user', 'create', '--uid', name, '--display-name', name, ...pair]);
}

async function listening(port: number, gateway: Daemon): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await connects(port))) {
    if (gateway.hasEnded()) throw new Error(`radosgw ended: ${gateway.lastWords()}`);
    if (Date.now() > deadline) throw new Error(`radosgw did not come up in ${START_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** In memory where the machine has such a place: the monitor writes and syncs small files all the time. */
function newFolder(persistent: boolean): string {
  const parent = !persistent && existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = mkdtempSync(path.join(parent, 'lakepack-ceph-'));
  for (const name of ['mon', 'osd', 'rgw', 'crash']) mkdirSync(path.join(folder, name));
  return folder;
}

function onceOnly(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}
