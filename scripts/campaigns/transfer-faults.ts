/**
 * Runs push, pull, migrate and unpack against a real S3 server behind a proxy that fails, lies and hangs by a seed.
 * Whatever happens, a run ends within its bound in success or in a LakepackError of the closed list, no manifest stands
 * without its bundles, and no wrong byte stands under a final name; then the same call without faults finishes.
 *
 *     npx tsx scripts/campaigns/transfer-faults.ts [--rounds 2000] [--seed 1] [FIRST ROUND]
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { makeLake } from '../../fixtures/make-lake.js';
import { Archive } from '../../src/archive/archive.js';
import { ERROR_CODES, isLakepackError } from '../../src/base/errors.js';
import { MIB } from '../../src/base/limits.js';
import { pack, transfer, unpack } from '../../src/index.js';
import { profileOf } from '../../src/remote/providers/profiles.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { withRetry } from '../../src/remote/with-retry.js';
import { plainClient, startCeph, type Ceph } from '../../test/servers/ceph.js';
import { startFaultProxy, type FaultKind, type FaultProxyOptions } from '../../test/servers/fault-proxy.js';
import { emptyBucket } from './buckets.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell, tellRound } from './campaign.js';
import { differences, filesOf, lookAtArchive } from './looks.js';

export interface TransferFaultOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly from?: number;
}

export interface TransferFaultReport {
  readonly rounds: number;
  readonly faultsInjected: number;
  /** How often each kind of fault was injected. */
  readonly kinds: Readonly<Record<string, number>>;
  /** How often each verb ended how: `push done`, `pull REMOTE_UNAVAILABLE` … */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly longestMs: number;
  /** Uploads and downloads in which one byte was flipped and every checksum made to fit, and how many were caught. */
  readonly canaries: { readonly planted: number; readonly caught: number };
  readonly faults: readonly string[];
}

const VERBS = ['push', 'pull', 'migrate', 'unpack'] as const;
type Verb = (typeof VERBS)[number];

/** An archive of small exports, and one whose only bundle goes in three parts. */
const SETS = ['small', 'large'] as const;
type SetName = (typeof SETS)[number];

const IDLE_MS = 400;
const RETRIES = { attempts: 4, baseDelayMs: 1, maxDelayMs: 5 } as const;
/** Nothing may take longer than this, whatever the proxy does: a few silent calls, one after the other, on a busy machine. */
const LONGEST_MS = 60_000;
const BY_NAME: readonly FaultKind[] = ['hang', '403-expired-token', '403-clock-skew'];

export async function injectTransferFaults(options: TransferFaultOptions): Promise<TransferFaultReport> {
  return await inScratch(async (folder) => {
    const ceph = await startCeph();
    try {
      return await new Injector(options, folder, ceph).run();
    } finally {
      await ceph.stop();
    }
  });
}

class Injector {
  readonly #options: TransferFaultOptions;
  readonly #folder: string;
  readonly #ceph: Ceph;
  readonly #client: S3Client;
  readonly #outcomes = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  readonly #faults: string[] = [];
  readonly #canaries = { planted: 0, caught: 0 };
  readonly #files = new Map<SetName, ReadonlyMap<string, string>>();
  readonly #bundles = new Map<SetName, readonly string[]>();
  #source = '';
  #target = '';
  #longestMs = 0;
  #hadStaleListing = false;

  constructor(options: TransferFaultOptions, folder: string, ceph: Ceph) {
    this.#options = options;
    this.#folder = folder;
    this.#ceph = ceph;
    this.#client = plainClient(ceph);
  }

  async run(): Promise<TransferFaultReport> {
    const { rounds, from = 0 } = this.#options;
    await this.#prepare();
    for (let round = from; round < from + rounds; round += 1) {
      tellRound(round);
      await this.#round(round);
    }
    for (const verb of ['push', 'pull'] as const) await this.#canary(verb);
    this.#client.destroy();
    return {
      rounds,
      faultsInjected: [...this.#kinds.values()].reduce((sum, count) => sum + count, 0),
      kinds: Object.fromEntries([...this.#kinds].sort()),
      outcomes: Object.fromEntries([...this.#outcomes].sort()),
      longestMs: Math.round(this.#longestMs),
      canaries: this.#canaries,
      faults: this.#faults,
    };
  }

  async #prepare(): Promise<void> {
    this.#source = await this.#ceph.createBucket();
    this.#target = await this.#ceph.createBucket();
    await makeLake(this.#lake('small'), { scale: 1 });
    const large = path.join(this.#lake('large'), 'gold/embeddings/dt=2025-01-01');
    mkdirSync(large, { recursive: true });
    writeFileSync(path.join(large, 'all.bin'), randomBytes(40 * MIB));
    for (const set of SETS) {
      this.#files.set(set, filesOf(this.#lake(set)));
      await pack({ lake: this.#lake(set), to: this.#local(set), by: 'dataset', stateDir: this.#state('pack') });
      this.#bundles.set(set, lookAtArchive(this.#local(set)).bundles);
      const remote = this.#open(this.#ceph.endpoint, this.#source, set);
      await transfer({ from: this.#local(set), to: remote, stateDir: this.#state('prepare') });
      await remote.remote.close();
    }
  }

  #lake(set: SetName): string {
    return path.join(this.#folder, `lake-${set}`);
  }

  #local(set: SetName): string {
    return path.join(this.#folder, `archive-${set}`);
  }

  #state(name: string): string {
    return path.join(this.#folder, `state-${name}`);
  }

  #open(endpoint: string, bucket: string, prefix: string): Archive {
    const settings = {
      shown: `s3://${bucket}/${prefix}`,
      provider: profileOf('ceph'),
      endpoint,
      region: this.#ceph.region,
      bucket,
      prefix,
      pathStyle: true,
      credentials: { type: 'keys', read: () => this.#ceph.keys },
      credentialsFrom: 'the campaign',
      encryption: undefined,
      storageClass: undefined,
      tags: {},
      cacheControl: undefined,
      timeouts: { connectMs: 2_000, idleMs: IDLE_MS },
    } as const;
    return new Archive(withRetry(openS3Remote(settings), RETRIES));
  }

  async #round(round: number): Promise<void> {
    const random = randomOfRound(this.#options.seed, round);
    const verb = VERBS[Math.floor(random() * VERBS.length)]!;
    const set: SetName = random() < 0.12 ? 'large' : 'small';
    const rate = [0.02, 0.08, 0.3][Math.floor(random() * 3)]!;
    const byName = random() < 0.25 ? [BY_NAME[Math.floor(random() * BY_NAME.length)]!] : undefined;
    const seed = Math.floor(random() * 2 ** 31);
    const more = byName === undefined ? {} : { kinds: byName };
    const code = await this.#behindProxy(round, verb, set, { seed, rate, slowMs: 20, ...more });
    this.#count(this.#outcomes, `${verb} ${code}`);
    // A listing that leaves out an export, and is believed by all, cannot be told from one without it.
    const knowsAll = verb === 'migrate' || !this.#hadStaleListing;
    await this.#look(round, verb, set, code === 'done' && knowsAll);
    if (random() < 0.3) await this.#finish(round, verb, set);
    await this.#clear();
  }

  /** The verb through a proxy; resolves with `done`, or the code of its error or of its first failed export. */
  async #behindProxy(round: number, verb: Verb, set: SetName, options: FaultProxyOptions): Promise<string> {
    const proxy = await startFaultProxy(this.#ceph.endpoint, options);
    const started = performance.now();
    try {
      return await this.#timed(round, verb, () => this.#work(verb, set, proxy.endpoint));
    } finally {
      this.#longestMs = Math.max(this.#longestMs, performance.now() - started);
      for (const { kind } of proxy.hits) this.#count(this.#kinds, kind);
      this.#hadStaleListing = proxy.hits.some(({ kind }) => kind === 'stale-listing');
      await proxy.close();
    }
  }

  async #timed(round: number, verb: Verb, work: () => Promise<string>): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('HANG'), LONGEST_MS);
    });
    const outcome = await Promise.race([work().catch((error: unknown) => this.#codeOf(round, error)), late]);
    clearTimeout(timer);
    if (outcome === 'HANG') this.#fault(round, `${verb} did not end within ${LONGEST_MS} ms`);
    return outcome;
  }

  #codeOf(round: number, error: unknown): string {
    if (!isLakepackError(error)) {
      this.#fault(round, `an error without a code: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      return 'UNTYPED';
    }
    if (error.code === 'INTERNAL' || !ERROR_CODES.includes(error.code))
      this.#fault(round, `${error.code}: ${error.message}`);
    if (process.env['CAMPAIGN_VERBOSE'] !== undefined) process.stderr.write(`${error.code}: ${error.message}\n`);
    return error.code;
  }

  async #work(verb: Verb, set: SetName, endpoint: string): Promise<string> {
    const source = this.#open(endpoint, this.#source, set);
    const target = this.#open(endpoint, this.#target, set);
    const direct = this.#open(this.#ceph.endpoint, this.#source, set);
    const stateDir = this.#state('round');
    try {
      if (verb === 'unpack') {
        await unpack({ from: source, into: path.join(this.#folder, 'restored') });
        return 'done';
      }
      // Through the proxy on both sides the store copies by itself; from a direct one every byte goes through here.
      const from = verb === 'push' ? this.#local(set) : verb === 'pull' ? source : set === 'small' ? source : direct;
      const to = verb === 'pull' ? path.join(this.#folder, 'pulled') : target;
      const report = await transfer({ from, to, stateDir, wholeArchive: verb === 'migrate' });
      const findings = [...report.findings, ...report.exports.flatMap((one) => one.findings)];
      const [failed] = findings.filter(({ severity }) => severity === 'error');
      return failed?.code ?? 'done';
    } finally {
      for (const archive of [source, target, direct]) await archive.remote.close();
    }
  }

  async #finish(round: number, verb: Verb, set: SetName): Promise<void> {
    const code = await this.#work(verb, set, this.#ceph.endpoint).catch((error: unknown) => String(error));
    if (code !== 'done') this.#fault(round, `${verb} without faults ended with ${code}`);
    await this.#look(round, verb, set, true);
  }

  /** What stands there, read without lakepack and around the proxy. */
  async #look(round: number, verb: Verb, set: SetName, isDone: boolean): Promise<void> {
    try {
      if (verb === 'unpack') this.#lookAtFiles(round, set, isDone);
      else {
        const pulled = path.join(this.#folder, 'pulled');
        const disk = existsSync(pulled) ? lookAtArchive(pulled).bundles : [];
        this.#compare(round, set, verb === 'pull' ? disk : await this.#bundlesInBucket(set), isDone);
      }
    } catch (error) {
      this.#fault(round, String(error));
    }
  }

  #lookAtFiles(round: number, set: SetName, isDone: boolean): void {
    const expected = this.#files.get(set)!;
    const restored = path.join(this.#folder, 'restored');
    const found = filesOf(restored, (name) => !name.split(path.sep).some((part) => part.startsWith('.lakepack')));
    const wanted = isDone ? expected : new Map([...expected].filter(([name]) => found.has(name)));
    for (const difference of differences(wanted, found)) this.#fault(round, difference);
  }

  #compare(round: number, set: SetName, found: readonly string[], isDone: boolean): void {
    const expected = this.#bundles.get(set)!;
    const foreign = found.filter((bundle) => !expected.includes(bundle));
    if (foreign.length > 0) this.#fault(round, `bundles nobody sent: ${foreign.join(', ')}`);
    if (isDone && found.length !== expected.length)
      this.#fault(round, `done, with ${found.length} of ${expected.length} bundles`);
  }

  /** Partition path and SHA-256 of every bundle that a manifest names. Throws when one is not there or not right. */
  async #bundlesInBucket(set: SetName): Promise<readonly string[]> {
    const { Contents = [] } = await this.#client.send(
      new ListObjectsV2Command({ Bucket: this.#target, Prefix: `${set}/manifests/` }),
    );
    const bundles: string[] = [];
    for (const { Key = '' } of Contents.filter(({ Key }) => Key?.endsWith('.export.json'))) {
      const manifest = JSON.parse((await this.#read(Key)).toString()) as {
        readonly exportId: string;
        readonly source: { readonly path: string };
        readonly bundles: readonly { readonly name: string; readonly sha256: string }[];
      };
      for (const { name, sha256 } of manifest.bundles) {
        const key = `${set}/exports/${manifest.source.path}/${manifest.exportId}/${name}`;
        const stored = createHash('sha256')
          .update(await this.#read(key))
          .digest('hex');
        if (stored !== sha256) throw new Error(`${key}: is not what its manifest says`);
        bundles.push(`${manifest.source.path} ${sha256}`);
      }
    }
    return bundles.sort();
  }

  async #read(Key: string): Promise<Buffer> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#target, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** Every body is changed in one byte and fits its checksums: whoever believes the store is taken in. */
  async #canary(verb: 'push' | 'pull'): Promise<void> {
    for (const set of SETS) {
      // Only one way: a byte that is flipped going and coming would be right again.
      const way = verb === 'push' ? 'PUT' : 'GET';
      const plan: FaultProxyOptions['plan'] = ({ method, path: object }) =>
        method === way && object.endsWith('.tar.zst') ? 'canary' : undefined;
      this.#canaries.planted += 1;
      const code = await this.#behindProxy(-1, verb, set, { plan, resignWith: this.#ceph.keys });
      if (code === 'HASH_MISMATCH' || code === 'TRANSFER_FAILED') this.#canaries.caught += 1;
      else this.#fault(-1, `the canary of a ${verb} passed: ${code}`);
      const found = verb === 'push' ? await this.#bundlesInBucket(set) : [];
      if (found.length > 0) this.#fault(-1, 'the canary got a manifest');
      await this.#clear();
    }
  }

  async #clear(): Promise<void> {
    await emptyBucket(this.#client, this.#target);
    for (const name of ['restored', 'pulled', 'state-round']) {
      rmSync(path.join(this.#folder, name), { recursive: true, force: true });
    }
  }

  #count(map: Map<string, number>, name: string): void {
    map.set(name, (map.get(name) ?? 0) + 1);
  }

  #fault(round: number, text: string): void {
    this.#faults.push(`round ${round} of seed ${this.#options.seed}: ${text}`);
  }
}

if (isMain(import.meta.url)) {
  const { rounds, seed, words } = campaignArguments(2_000);
  const report = await injectTransferFaults({ rounds, seed, from: Number(words[0] ?? 0) });
  tell(report, report.faults);
}
