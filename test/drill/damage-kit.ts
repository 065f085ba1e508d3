/**
 * What the tests of damage stand on: one packed lake, put as often as wanted into a folder or a real S3, damaged there
 * with plain tools, and drilled through the command line.
 */
import fs from 'node:fs';
import path from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import * as library from '../../src/index.js';
import type { DrillRecord } from '../../src/schema/drill-record.js';
import { runCli, type CliRun } from '../cli/run-cli.js';
import { makeFolder, makeTree, type Tree } from '../lake/tree.js';
import { plainClient, type S3Server } from '../servers/ceph.js';

/** One copy of the packed archive, as bytes under keys: what damages it knows nothing of lakepack. */
export interface Copy {
  /** As it is given to `--from`. */
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
  keys(): Promise<readonly string[]>;
  get(key: string): Promise<Buffer>;
  put(key: string, bytes: Buffer): Promise<void>;
  delete(key: string): Promise<void>;
}

export type Objects = ReadonlyMap<string, Buffer>;

const RECIPE = {
  recipeVersion: 1,
  tables: {
    apps: { from: ['silver/apps/**/*.csv'], columns: { id: 'INTEGER', name: 'VARCHAR' }, keys: ['id'] },
    users: { from: ['silver/users/**/*.csv'], columns: { id: 'INTEGER' }, keys: ['id'] },
  },
  stores: { local: { engine: 'duckdb' } },
};

/** Three exports; the bundle of `users` is by far the longest. */
const LAKE: Tree = {
  'lakepack.recipe.json': JSON.stringify(RECIPE),
  'silver/apps/dt=2025-10-11/part-0.csv': 'id,name\n1,one\n2,two\n',
  'silver/apps/dt=2025-10-12/part-0.csv': 'id,name\n3,three\n',
  'silver/users/dt=2025-10-12/part-0.csv': `id\n${Array.from({ length: 2_000 }, (_, id) => id * id).join('\n')}\n`,
};
export const EXPORTS = 4;

/** The same tables in a PostgreSQL server. */
export function postgresRecipe(): string {
  const file = path.join(makeFolder(), 'recipe.json');
  fs.writeFileSync(file, JSON.stringify({ ...RECIPE, stores: { pg: { engine: 'postgres' } } }));
  return file;
}

export async function packedObjects(): Promise<Objects> {
  return await pack(LAKE, ['--fingerprint']);
}

/** One export of so many files that their list is an object of its own, and that they need more room than bytes. */
export async function manyFilesObjects(): Promise<Objects> {
  const files = Array.from({ length: 2_001 }, (_, number): [string, string] => [`silver/many/dt=1/${number}`, 'x']);
  return await pack(Object.fromEntries(files), []);
}

async function pack(tree: Tree, flags: readonly string[]): Promise<Objects> {
  const folder = makeFolder();
  const lake = makeTree(tree, path.join(folder, 'lake'));
  const to = path.join(folder, 'archive');
  const env = { LAKEPACK_STATE_DIR: path.join(folder, 'state') };
  const { code, stderr } = await runCli(['export', 'pack', lake, '--to', to, '--quiet', ...flags], library, { env });
  expect([code, stderr]).toEqual([0, '']);
  const copy = copyInFolder(to);
  const keys = await copy.keys();
  return new Map(await Promise.all(keys.map(async (key) => [key, await copy.get(key)] as const)));
}

export async function putFolder(objects: Objects): Promise<Copy> {
  return await filled(copyInFolder(path.join(makeFolder(), 'archive')), objects);
}

function copyInFolder(folder: string): Copy {
  const file = (key: string): string => path.join(folder, key);
  return {
    from: folder,
    env: {},
    keys: async () =>
      fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((item) => item.isFile())
        .map((item) => path.relative(folder, path.join(item.parentPath, item.name)))
        .sort(),
    get: async (key) => fs.readFileSync(file(key)),
    put: async (key, bytes) => {
      fs.mkdirSync(path.dirname(file(key)), { recursive: true });
      fs.writeFileSync(file(key), bytes);
    },
    delete: async (key) => fs.rmSync(file(key)),
  };
}

let prefixes = 0;

export async function putS3(server: S3Server, Bucket: string, objects: Objects): Promise<Copy> {
  return await filled(copyInS3(server, Bucket, `case-${prefixes++}`), objects);
}

export async function allow(server: S3Server, Bucket: string, statement: object): Promise<void> {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await plainClient(server).send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

export function environmentOf({ endpoint, keys }: Pick<S3Server, 'endpoint' | 'keys'>): Record<string, string> {
  return {
    MINIO_ENDPOINT: endpoint,
    MINIO_ROOT_USER: keys.accessKeyId,
    MINIO_ROOT_PASSWORD: keys.secretAccessKey,
  };
}

export function copyInS3(server: S3Server, Bucket: string, prefix: string): Copy {
  const client = plainClient(server);
  const named = (key: string): { Bucket: string; Key: string } => ({ Bucket, Key: `${prefix}/${key}` });
  return {
    from: `minio:${Bucket}/${prefix}`,
    env: environmentOf(server),
    keys: async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `${prefix}/` }));
      return Contents.map(({ Key = '' }) => Key.slice(prefix.length + 1)).sort();
    },
    get: async (key) => {
      const { Body } = await client.send(new GetObjectCommand(named(key)));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    put: async (key, bytes) => {
      await client.send(new PutObjectCommand({ ...named(key), Body: bytes }));
    },
    delete: async (key) => {
      await client.send(new DeleteObjectCommand(named(key)));
    },
  };
}

async function filled(copy: Copy, objects: Objects): Promise<Copy> {
  await Promise.all([...objects].map(([key, bytes]) => copy.put(key, bytes)));
  return copy;
}

/** The one key that fits. */
export async function keyOf(copy: Copy, pattern: RegExp): Promise<string> {
  const [key, ...more] = (await copy.keys()).filter((one) => pattern.test(one));
  if (key === undefined || more.length > 0) throw new Error(`${pattern}: expected one key, got ${more.length + 1}`);
  return key;
}

export interface Drilled extends CliRun {
  readonly record: DrillRecord;
  readonly evidenceKey?: string;
  readonly findings: readonly { readonly code: string }[];
  /** What the drill left in the folder that it could work in. */
  readonly left: readonly string[];
  readonly cwd: string;
}

export interface DrillRun {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly scratch?: string;
}

/** `lakepack drill run --all`, and that it keeps secrets, tidies up and leaves evidence wherever the place takes it. */
export async function drillOf(copy: Copy, { flags = [], env = {}, scratch }: DrillRun = {}): Promise<Drilled> {
  const cwd = makeFolder();
  const room = scratch ?? path.join(cwd, 'scratch');
  fs.mkdirSync(room, { recursive: true });
  const argv = ['drill', 'run', '--all', '--from', copy.from, '--scratch', room, '--json', ...flags];
  const whole = { ...copy.env, ...env, LAKEPACK_STATE_DIR: path.join(cwd, 'state') };
  const run = await runCli(argv, library, { env: whole, cwd });
  for (const [name, value] of Object.entries(whole)) {
    if (/PASSWORD|SECRET/.test(name)) expect(`${run.stdout}${run.stderr}`).not.toContain(value);
  }
  const report = JSON.parse(run.stdout) as Omit<Drilled, 'left' | 'cwd'>;
  return { ...run, ...report, left: fs.readdirSync(room), cwd };
}

/** As the table of the documents has it. */
export interface Seen {
  readonly reasons: string;
  readonly outcome: string;
  readonly exit: number;
}

export function seenIn({ record, code }: Drilled): Seen {
  const codes = new Set(record.reasons.map((one) => one.code));
  return { reasons: [...codes].join(', '), outcome: record.outcome, exit: code };
}
