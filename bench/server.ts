/**
 * The S3 server of a benchmark: Ceph's RADOS gateway on loopback, as the tests use it. It shares the cores with its clients,
 * so that what is compared is the whole. In the warm-up clients go through a proxy that counts their requests.
 */
import { cephMissing, startCeph } from '../test/servers/ceph.js';
import { startFaultProxy } from '../test/servers/fault-proxy.js';
import type { ServerPlace } from './contender.js';

export interface BenchServer {
  /** Bucket and prefix for what pulls find. */
  readonly stored: string;
  placeAt(fresh: string): ServerPlace;
  countedPlaceAt(fresh: string): ServerPlace;
  startCounting(): void;
  /** Since `startCounting`, of those that went to `countedPlaceAt`. */
  countedRequests(): number;
  /** A bucket of its own with a prefix in it; `removeTarget` gives its memory back at once. */
  createTarget(): Promise<string>;
  removeTarget(target: string): Promise<void>;
  stop(): Promise<void>;
}

export { cephMissing as serverMissing };

/** What it may hold: what pulls find and what is being pushed. All of it is kept in memory. */
const MEMORY_GIB = 12;

export async function startServer(): Promise<BenchServer> {
  const ceph = await startCeph({ memoryGiB: MEMORY_GIB });
  const proxy = await startFaultProxy(ceph.endpoint);
  const stored = `${await ceph.createBucket()}/stored`;
  let before = 0;
  const placeOn = (endpoint: string) => (fresh: string) => ({ endpoint, keys: ceph.keys, stored, fresh });
  return {
    stored,
    placeAt: placeOn(ceph.endpoint),
    countedPlaceAt: placeOn(proxy.endpoint),
    startCounting: () => void (before = proxy.requests.length),
    countedRequests: () => proxy.requests.length - before,
    createTarget: async () => `${await ceph.createBucket()}/pushed`,
    removeTarget: async (target) => {
      const [bucket = ''] = target.split('/');
      await ceph.admin(['bucket', 'rm', '--bucket', bucket, '--purge-objects', '--bypass-gc']);
    },
    stop: async () => {
      await proxy.close();
      await ceph.stop();
    },
  };
}
