/**
 * Kills `lakepack export push` of one large export into a real S3 server at random moments, and asks each time: is
 * nothing visible that is not whole, does the same command finish, sends it again no more than was in flight, and does
 * `prune --uploads` leave no upload behind?
 *
 *     npx tsx scripts/campaigns/kill-push.ts [--rounds 100] [--seed 1] [MEBIBYTES]
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GetObjectCommand, ListMultipartUploadsCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';
import { BLOCK_BYTES, MIB } from '../../src/base/limits.js';
import { openArchive, pack } from '../../src/index.js';
import { plainClient, startCeph, type Ceph } from '../../test/servers/ceph.js';
import { removeBucket } from './buckets.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell, tellRound } from './campaign.js';
import { LATEST } from './kill-pack.js';
import { programWords, runProgram, type Ended } from './program.js';

export interface KillPushOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly mebibytes: number;
}

export interface KillPushReport {
  readonly rounds: number;
  readonly bytes: number;
  readonly typicalMs: number;
  /** Runs that the signal ended, and of those how many left an unfinished upload with parts. */
  readonly killed: number;
  readonly withParts: number;
  /** Most bytes of parts that the store had whole and the next run sent again, and what is allowed. */
  readonly mostSentAgain: number;
  readonly allowedAgain: number;
  readonly faults: readonly string[];
}

interface PushReport {
  readonly exports: readonly { readonly status: string; readonly sentBytes: number; readonly resumedBytes: number }[];
}

/** `partsAtOnce` of the generic profile: what may be in flight. */
const PARTS_IN_FLIGHT = 4;

export async function killPush(options: KillPushOptions): Promise<KillPushReport> {
  return await inScratch(async (folder) => {
    const ceph = await startCeph({ memoryGiB: 8 });
    try {
      return await new PushKiller(options, folder, ceph).run();
    } finally {
      await ceph.stop();
    }
  });
}

class PushKiller {
  readonly #options: KillPushOptions;
  readonly #folder: string;
  readonly #archive: string;
  readonly #ceph: Ceph;
  readonly #client: S3Client;
  readonly #words: readonly string[];
  readonly #faults: string[] = [];
  readonly #counts = { killed: 0, withParts: 0, mostSentAgain: 0 };
  #typicalMs = 0;
  #bytes = 0;
  #bundle = { key: '', sha256: '' };

  constructor(options: KillPushOptions, folder: string, ceph: Ceph) {
    this.#options = options;
    this.#folder = folder;
    this.#archive = path.join(folder, 'archive');
    this.#ceph = ceph;
    this.#words = programWords(folder);
    this.#client = plainClient(ceph);
  }

  async run(): Promise<KillPushReport> {
    await this.#prepare();
    for (let round = 0; round < this.#options.rounds; round += 1) {
      tellRound(round);
      await this.#round(round);
    }
    this.#client.destroy();
    return {
      rounds: this.#options.rounds,
      bytes: this.#bytes,
      typicalMs: Math.round(this.#typicalMs),
      ...this.#counts,
      allowedAgain: PARTS_IN_FLIGHT * BLOCK_BYTES,
      faults: this.#faults,
    };
  }

  async #prepare(): Promise<void> {
    const folder = path.join(this.#folder, 'lake/gold/embeddings/dt=2025-01-01');
    mkdirSync(folder, { recursive: true });
    for (let part = 0; part < 4; part += 1) {
      writeFileSync(path.join(folder, `${part}.bin`), randomBytes((this.#options.mebibytes / 4) * MIB));
    }
    const stateDir = path.join(this.#folder, 'pack-state');
    await pack({ lake: path.join(this.#folder, 'lake'), to: this.#archive, stateDir });
    const archive = await openArchive(this.#archive, { mode: 'read' });
    for await (const ref of archive.list()) {
      const [facts] = (await archive.manifest(ref)).bundles;
      if (facts === undefined) throw new Error('the export has no bundle');
      this.#bytes = facts.storedBytes;
      this.#bundle = { key: `exports/${ref.path}/${ref.exportId}/${facts.name}`, sha256: facts.sha256 };
    }
    await archive.close();
    for (const name of ['warm', 'typical']) {
      const bucket = await this.#ceph.createBucket();
      const ended = await this.#push(name, bucket);
      if (ended.code !== 0) throw new Error(`the undisturbed push failed: ${ended.stderr}`);
      this.#typicalMs = ended.ms;
      await removeBucket(this.#client, bucket);
    }
  }

  #program(name: string): { words: readonly string[]; env: Record<string, string> } {
    const { endpoint, keys } = this.#ceph;
    const env = {
      MINIO_ENDPOINT: endpoint,
      MINIO_ROOT_USER: keys.accessKeyId,
      MINIO_ROOT_PASSWORD: keys.secretAccessKey,
      LAKEPACK_STATE_DIR: path.join(this.#folder, `${name}-state`),
      TMPDIR: this.#folder,
    };
    return { words: this.#words, env };
  }

  #push(name: string, bucket: string, killAfterMs?: number): Promise<Ended> {
    const kill = killAfterMs === undefined ? undefined : { signal: 'SIGKILL' as const, afterMs: killAfterMs };
    const words = ['export', 'push', this.#archive, '--to', `minio:${bucket}/lake`, '--json'];
    return runProgram(this.#program(name), words, kill);
  }

  async #round(round: number): Promise<void> {
    const random = randomOfRound(this.#options.seed, round);
    const name = `round-${round}`;
    const bucket = await this.#ceph.createBucket();
    try {
      const first = await this.#push(name, bucket, this.#typicalMs * (0.1 + random() * (LATEST - 0.1)));
      if (first.signal !== undefined) this.#counts.killed += 1;
      else if (first.code !== 0) this.#fault(round, `ended with ${first.code}: ${first.stderr}`);
      const stored = first.signal === undefined ? 0 : await this.#storedInParts(bucket);
      if (stored > 0) this.#counts.withParts += 1;
      await this.#finish(round, name, bucket, stored);
    } finally {
      await removeBucket(this.#client, bucket);
      rmSync(path.join(this.#folder, `${name}-state`), { recursive: true, force: true });
    }
  }

  /** Bytes of parts that the store has of unfinished uploads. */
  async #storedInParts(Bucket: string): Promise<number> {
    let bytes = 0;
    for (const { Key, UploadId } of await this.#uploads(Bucket)) {
      const { Parts = [] } = await this.#client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
      bytes += Parts.reduce((sum, part) => sum + (part.Size ?? 0), 0);
    }
    return bytes;
  }

  async #uploads(Bucket: string): Promise<{ Key: string | undefined; UploadId: string | undefined }[]> {
    const { Uploads = [] } = await this.#client.send(new ListMultipartUploadsCommand({ Bucket }));
    return Uploads.map(({ Key, UploadId }) => ({ Key, UploadId }));
  }

  async #finish(round: number, name: string, bucket: string, stored: number): Promise<void> {
    const ended = await this.#push(name, bucket);
    if (ended.code !== 0) {
      this.#fault(round, `the same command ended with ${ended.code}: ${ended.stderr}`);
      return;
    }
    const report = JSON.parse(ended.stdout) as PushReport;
    const [one] = report.exports;
    if (stored > 0) {
      const again = stored - (one?.resumedBytes ?? 0);
      this.#counts.mostSentAgain = Math.max(this.#counts.mostSentAgain, again);
      if (again > PARTS_IN_FLIGHT * BLOCK_BYTES) this.#fault(round, `${again} bytes that were stored were sent again`);
    }
    if ((await this.#storedSha256(bucket)) !== this.#bundle.sha256)
      this.#fault(round, 'the bundle is not what was sent');
    const prune = ['prune', `minio:${bucket}/lake`, '--uploads', '--older-than', '0', '--json'];
    const pruned = await runProgram(this.#program(name), prune);
    if (pruned.code !== 0) this.#fault(round, `prune ended with ${pruned.code}: ${pruned.stderr}`);
    const left = await this.#uploads(bucket);
    if (left.length > 0) this.#fault(round, `${left.length} uploads are left after prune --uploads`);
  }

  async #storedSha256(Bucket: string): Promise<string> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket, Key: `lake/${this.#bundle.key}` }));
    const hash = createHash('sha256');
    for await (const chunk of Body as AsyncIterable<Buffer>) hash.update(chunk);
    return hash.digest('hex');
  }

  #fault(round: number, text: string): void {
    this.#faults.push(`round ${round} of seed ${this.#options.seed}: ${text}`);
  }
}

if (isMain(import.meta.url)) {
  const { rounds, seed, words } = campaignArguments(100);
  const report = await killPush({ rounds, seed, mebibytes: Number(words[0] ?? 1024) });
  tell(report, report.faults);
}
