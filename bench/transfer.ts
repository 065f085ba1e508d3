/**
 * Compares push and pull with `rclone copy` and `aws s3 cp` against the same real S3 server on loopback, in turns.
 *
 *     npx tsx bench/transfer.ts [--rounds 5] [--scratch DIR] [--data 1gib,small]
 *
 * The server (Ceph's RADOS gateway) shares the cores with the client: what is compared is the whole, not the client.
 * lakepack proves what it stored by reading it back; the others do not.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startCeph, type Ceph } from '../test/servers/ceph.js';
import { describeMachine } from './machine.js';
import { hasGnuTime, runTimed, runUntimed, type Cost } from './measure.js';
import type { Command } from './contender.js';
import { interleave } from './schedule.js';
import { withFresh, withScratch } from './scratch.js';
import { ratioOf, spreadOf } from './statistics.js';
import { markdownTable } from './table.js';

const BIN = path.resolve(import.meta.dirname, '../dist/bin.js');
const DATA = ['1gib', 'small'] as const;
const WORKS = ['push', 'pull'] as const;
type DataName = (typeof DATA)[number];
type WorkName = (typeof WORKS)[number];

interface Course {
  readonly ceph: Ceph;
  /** A folder archive. */
  readonly archive: string;
  /** Bucket and prefix that hold the same archive, for pulls. */
  readonly stored: string;
}

interface Mover {
  readonly name: string;
  push(course: Course, target: string): Command;
  pull(course: Course, folder: string): Command;
}

const LAKEPACK: Mover = {
  name: 'lakepack',
  push: (course, target) => lakepack(course, 'export', 'push', course.archive, '--to', `minio:${target}`, '--quiet'),
  pull: (course, folder) =>
    lakepack(course, 'import', 'pull', '--from', `minio:${course.stored}`, '--to', folder, '--quiet'),
};

const MOVERS: readonly Mover[] = [
  LAKEPACK,
  rclone('rclone copy', []),
  rclone('rclone copy, 16 transfers', ['--transfers', '16', '--checkers', '16', '--s3-upload-concurrency', '8']),
  {
    name: 'aws s3 cp',
    push: (course, target) => aws(course, course.archive, `s3://${target}`),
    pull: (course, folder) => aws(course, `s3://${course.stored}`, folder),
  },
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, scratch: { type: 'string' }, data: { type: 'string' } },
  });
  const wanted = (values.data ?? DATA.join()).split(',') as DataName[];
  const rounds = Number(values.rounds ?? 5);
  await withScratch(values.scratch, async (scratch) => {
    const { cpu, cores, system, loadAverage } = await describeMachine(scratch);
    console.log(`- ${cpu}, ${cores} cores, ${system}, Node ${process.versions.node}; load before ${loadAverage}`);
    const versions = await Promise.all(
      [
        ['rclone', 'version'],
        ['aws', '--version'],
      ].map(versionOf),
    );
    console.log(`- Ceph RADOS gateway on loopback; ${versions.join('; ')}; ${rounds} rounds, interleaved, medians\n`);
    for (const data of wanted) await compare(data, rounds, path.join(scratch, data));
  });
}

async function versionOf([program = '', word = '']: readonly string[]): Promise<string> {
  return (await runUntimed({ argv: [program, word] })).split('\n', 1)[0] ?? program;
}

async function compare(data: DataName, rounds: number, scratch: string): Promise<void> {
  const ceph = await startCeph({ memoryGiB: 8 });
  try {
    const archive = await makeArchive(data, scratch);
    const bucket = await ceph.createBucket();
    const course = { ceph, archive, stored: `${bucket}/stored` };
    await runUntimed(LAKEPACK.push(course, course.stored));
    for (const work of WORKS) await runWork(work, data, rounds, course, scratch);
  } finally {
    await ceph.stop();
  }
}

async function runWork(work: WorkName, data: DataName, rounds: number, course: Course, scratch: string): Promise<void> {
  const costs = new Map<Mover, Cost[]>(MOVERS.map((mover) => [mover, []]));
  const withTime = await hasGnuTime();
  for (const { contender, round, isWarmUp } of interleave(MOVERS, rounds, 1)) {
    const cost = await attempt(contender, work, course, path.join(scratch, 'fresh'), withTime);
    console.error(
      `${work} ${data} ${isWarmUp ? 'warm-up' : round} ${contender.name}: ${cost.wallSeconds.toFixed(2)} s`,
    );
    if (!isWarmUp) costs.get(contender)!.push(cost);
  }
  console.log(`### ${work} · ${data}\n\n${table(costs)}\n`);
}

async function attempt(mover: Mover, work: WorkName, course: Course, fresh: string, withTime: boolean): Promise<Cost> {
  if (work === 'pull') return await withFresh(fresh, () => runTimed(mover.pull(course, fresh), withTime));
  const bucket = await course.ceph.createBucket();
  try {
    return await runTimed(mover.push(course, `${bucket}/pushed`), withTime);
  } finally {
    await runUntimed({ argv: ['rclone', 'purge', `:s3:${bucket}`], env: rcloneEnvironment(course.ceph) });
  }
}

function table(costs: ReadonlyMap<Mover, readonly Cost[]>): string {
  const walls = (mover: Mover) => spreadOf(costs.get(mover)!.map(({ wallSeconds }) => wallSeconds));
  const ours = walls(LAKEPACK);
  const rows = [...costs].map(([mover, all]) => {
    const wall = walls(mover);
    const cpu = spreadOf(all.map(({ cpuSeconds }) => cpuSeconds));
    const rss = spreadOf(all.map(({ peakRssBytes }) => peakRssBytes));
    return [
      mover.name,
      `${wall?.median.toFixed(2)} s`,
      `${wall?.min.toFixed(2)}–${wall?.max.toFixed(2)}`,
      cpu === null ? '–' : `${cpu.median.toFixed(2)} s`,
      rss === null ? '–' : `${Math.round(rss.max / 2 ** 20)} MiB`,
      mover === LAKEPACK ? '–' : (ratioOf(ours, wall)?.toFixed(2) ?? '–'),
    ];
  });
  return markdownTable([['tool', 'wall', 'min–max', 'CPU', 'peak RSS', 'lakepack : tool'], ...rows]);
}

/** 1 GiB that does not compress in one export; or 2,000 exports of one file of 10 KiB. */
async function makeArchive(data: DataName, scratch: string): Promise<string> {
  const lake = path.join(scratch, 'lake');
  const files = data === '1gib' ? 4 : 2_000;
  const bytes = data === '1gib' ? 256 * 2 ** 20 : 10 * 2 ** 10;
  for (let number = 0; number < files; number += 1) {
    const part = data === '1gib' ? 'dt=2025-01-01' : `part=${createHash('md5').update(String(number)).digest('hex')}`;
    const folder = path.join(lake, 'gold', 'bench', part);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${number}.bin`), randomBytes(bytes));
  }
  const archive = path.join(scratch, 'archive');
  await runUntimed({ argv: [process.execPath, BIN, 'export', 'pack', lake, '--to', archive, '--quiet'] });
  return archive;
}

function lakepack({ ceph }: Course, ...words: string[]): Command {
  const { accessKeyId, secretAccessKey } = ceph.keys;
  const state = path.join(words[2] ?? '', '..', 'state');
  const env = {
    MINIO_ENDPOINT: ceph.endpoint,
    MINIO_ROOT_USER: accessKeyId,
    MINIO_ROOT_PASSWORD: secretAccessKey,
    ...(path.isAbsolute(state) && { LAKEPACK_STATE_DIR: state }),
  };
  return { argv: [process.execPath, BIN, ...words], env };
}

function rclone(name: string, options: readonly string[]): Mover {
  const copy = ({ ceph }: Course, from: string, to: string): Command => ({
    argv: ['rclone', 'copy', ...options, from, to],
    env: rcloneEnvironment(ceph),
  });
  return {
    name,
    push: (course, target) => copy(course, course.archive, `:s3:${target}`),
    pull: (course, folder) => copy(course, `:s3:${course.stored}`, folder),
  };
}

function rcloneEnvironment({ endpoint, keys }: Ceph): Record<string, string> {
  return {
    RCLONE_S3_PROVIDER: 'Ceph',
    RCLONE_S3_ENDPOINT: endpoint,
    RCLONE_S3_ACCESS_KEY_ID: keys.accessKeyId,
    RCLONE_S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
    RCLONE_CONFIG: '/dev/null',
  };
}

function aws({ ceph: { endpoint, keys } }: Course, from: string, to: string): Command {
  return {
    argv: ['aws', '--endpoint-url', endpoint, 's3', 'cp', '--recursive', '--only-show-errors', from, to],
    env: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_CONFIG_FILE: '/dev/null',
    },
  };
}

await main();
