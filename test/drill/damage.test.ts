/**
 * No false pass: every class of damage, done to an archive in a folder and to one in a real S3, gives its own reason, its
 * outcome and its exit code on the command line. The table in docs/drills.md is compared with what was seen here.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import * as library from '../../src/index.js';
import { runCli } from '../cli/run-cli.js';
import { makeFolder } from '../lake/tree.js';
import { hasSharedCeph, plainClient, sharedCeph, type S3Server } from '../servers/ceph.js';
import { startFaultProxy, type FaultKind, type FaultProxy, type ProxiedRequest } from '../servers/fault-proxy.js';
import { makeKeys, makeSecret } from '../servers/keys.js';
import { freePorts } from '../servers/ports.js';
import { postgresMissing, startPostgres } from '../servers/postgres.js';
import { tablesOf } from '../support/markdown.js';
import { change, flipped, OBJECT_DAMAGES, TOUCHED, type DamageClass } from './damage-classes.js';
import * as kit from './damage-kit.js';
import { startKillingProxy } from './damage-killing-proxy.js';

vi.hoisted(() => {
  // What is lost is asked for again after a time drawn by chance, up to eight seconds in all: chance is small here.
  const drawn = Math.random;
  Math.random = () => drawn() / 50;
});

const hasMounts = canMount();
/** Then no class is skipped. */
const isAllThere =
  hasMounts &&
  hasSharedCeph() &&
  postgresMissing() === undefined &&
  process.env['LAKEPACK_TEST_S3_ENDPOINT'] === undefined;

let objects: kit.Objects;
let manyFiles: kit.Objects;
const seen = new Map<string, kit.Seen & { readonly how: string }>();

beforeAll(async () => {
  objects = await kit.packedObjects();
  manyFiles = await kit.manyFilesObjects();
});

type Expected = kit.Seen & { readonly how: string; readonly proven: number };

/** Compares a drill with what is expected of its class, and remembers it for the table. */
function tells(name: string, drilled: kit.Drilled, { how, proven, ...expected }: Expected): void {
  const { record, left } = drilled;
  expect({ ...kit.seenIn(drilled), told: record.reasons }).toEqual({ ...expected, told: record.reasons });
  expect(record.outcome).not.toBe('pass');
  expect(record.exports.filter((one) => one.proven)).toHaveLength(proven);
  expect(left).toEqual(record.kept === undefined ? [] : [path.basename(record.kept.scratch)]);
  if (record.outcome !== 'fail') expect(record.kept).toBeUndefined();
  seen.set(name, { ...expected, how });
}

/** Where the archive does not take it, the working folder does. */
async function leftEvidence(copy: kit.Copy, { evidenceKey, record, findings, cwd }: kit.Drilled): Promise<void> {
  if (evidenceKey !== undefined) {
    expect(await copy.keys()).toContain(evidenceKey);
    return;
  }
  expect(findings.map(({ code }) => code)).toContain('EVIDENCE_NOT_STORED');
  expect(fs.readdirSync(cwd)).toContain(`${record.drillId}.drill.json`);
}

async function passes(copy: kit.Copy, run: kit.DrillRun = {}): Promise<void> {
  const drilled = await kit.drillOf(copy, run);
  expect({ ...kit.seenIn(drilled), told: drilled.record.reasons }).toMatchObject({
    outcome: 'pass',
    exit: 0,
    told: [],
  });
  expect(drilled.record.exports.map(({ proven }) => proven)).toEqual(drilled.record.exports.map(() => true));
  expect(drilled.left).toEqual([]);
}

const FILES_ONLY = ['--stores', 'none'];

/** The same classes in every medium: each is told, what it touched is not proven, and evidence is left. */
function tellObjectDamages(put: () => Promise<kit.Copy>): void {
  test.each(OBJECT_DAMAGES)('$name: $reasons', async (one) => {
    const copy = await put();
    await one.damage(copy);
    const drilled = await kit.drillOf(copy, { flags: one.needsStores === true ? [] : FILES_ONLY });
    tells(one.name, drilled, expectedOf(one));
    const proven = drilled.record.exports.filter((other) => other.proven).map((other) => other.path);
    expect(proven).not.toContain(TOUCHED);
    expect(drilled.evidenceKey).toBeDefined();
    await leftEvidence(copy, drilled);
  });
}

describe('in a folder', () => {
  test('the same archive without damage passes, all of it proven', async () => {
    const copy = await kit.putFolder(objects);
    await passes(copy);
    await passes(copy, { flags: FILES_ONLY });
  });

  tellObjectDamages(() => kit.putFolder(objects));

  test('an export that a drill has proven, and that is gone with everything: MANIFEST_MISSING', async () => {
    const copy = await kit.putFolder(objects);
    await passes(copy, { flags: FILES_ONLY });
    for (const key of await copy.keys()) if (key.includes('silver/users/')) await copy.delete(key);
    tells('export that is gone', await kit.drillOf(copy, { flags: FILES_ONLY }), {
      how: 'manifest, bundles and checksums of an export that earlier evidence names as proven are deleted',
      ...{ reasons: 'MANIFEST_MISSING', outcome: 'fail', exit: 3, proven: 3 },
    });
  });

  test('a bit of a list of files: MANIFEST_DAMAGED', async () => {
    const copy = await kit.putFolder(manyFiles);
    await change(copy, /\.files\.jsonl\.zst$/, (bytes) => flipped(bytes, 0.5));
    tells('damaged list of files', await kit.drillOf(copy), {
      how: 'one bit in a `.files.jsonl.zst`',
      ...{ reasons: 'MANIFEST_DAMAGED', outcome: 'fail', exit: 3, proven: 0 },
    });
  });

  test('a bit of a manifest, wherever it is: MANIFEST_DAMAGED', async () => {
    const key = [...objects.keys()].find((one) => /silver\/apps.*export\.json$/.test(one)) ?? '';
    for (const where of [0.11, 0.47, 0.93]) {
      const copy = await kit.putFolder(objects);
      await copy.put(key, flipped(objects.get(key) ?? Buffer.alloc(0), where));
      const told = kit.seenIn(await kit.drillOf(copy, { flags: FILES_ONLY }));
      expect({ where, ...told }).toEqual({ where, reasons: 'MANIFEST_DAMAGED', outcome: 'fail', exit: 3 });
    }
  });
});

describe.skipIf(!hasMounts)('on a full disk (needs the right to mount a file system in memory)', () => {
  test('too small for what is picked: DISK_FULL before anything is pulled', async () => {
    const copy = await kit.putFolder(objects);
    const drilled = await kit.drillOf(copy, { scratch: mounted('16k') });
    tells('full disk', drilled, {
      how: 'scratch on a file system of 16 KiB: found before anything is pulled',
      ...{ reasons: 'DISK_FULL', outcome: 'inconclusive', exit: 7, proven: 0 },
    });
    expect(drilled.record.steps.find(({ name }) => name === 'pull')?.outcome).toBe('skipped');
    await leftEvidence(copy, drilled);
  });

  test('full in the middle of unpacking: DISK_FULL, and the room is given back', async () => {
    const copy = await kit.putFolder(manyFiles);
    const drilled = await kit.drillOf(copy, { scratch: mounted('2m') });
    tells('disk that fills up', drilled, {
      how: 'scratch on a file system of 2 MiB, 2,001 files of one byte: no room is left while they are unpacked',
      ...{ reasons: 'DISK_FULL', outcome: 'inconclusive', exit: 7, proven: 0 },
    });
    expect(drilled.record.reasons[0]?.step).toBe('unpack');
    await leftEvidence(copy, drilled);
  });
});

describe('a derived store that is down', () => {
  test('nobody listens: STORE_UNREACHABLE', async () => {
    const copy = await kit.putFolder(objects);
    const port = String(await freePorts(1));
    const env = { PGHOST: '127.0.0.1', PGPORT: port, PGUSER: 'drill', PGPASSWORD: makeSecret(), PGDATABASE: 'drill' };
    const drilled = await kit.drillOf(copy, { flags: ['--recipe', kit.postgresRecipe()], env });
    tells('store down', drilled, {
      how: 'nobody listens on the port of PostgreSQL',
      ...{ reasons: 'STORE_UNREACHABLE', outcome: 'inconclusive', exit: 7, proven: kit.EXPORTS },
    });
    await leftEvidence(copy, drilled);
  });

  test.skipIf(postgresMissing() !== undefined)(
    'killed while it is filled: STORE_UNREACHABLE (needs PostgreSQL)',
    async () => {
      const copy = await kit.putFolder(objects);
      const postgres = await startPostgres();
      onTestFinished(() => postgres.stop());
      const proxy = await startKillingProxy(postgres.environment, () => postgres.kill?.() ?? Promise.resolve());
      onTestFinished(() => proxy.close());
      const env = { ...postgres.environment, PGHOST: '127.0.0.1', PGPORT: String(proxy.port) };
      const drilled = await kit.drillOf(copy, { flags: ['--recipe', kit.postgresRecipe()], env });
      expect(proxy.hasKilled()).toBe(true);
      tells('store killed', drilled, {
        how: 'PostgreSQL is killed at the first COPY of the rebuild',
        ...{ reasons: 'STORE_UNREACHABLE', outcome: 'inconclusive', exit: 7, proven: kit.EXPORTS },
      });
      await leftEvidence(copy, drilled);
    },
  );
});

describe.skipIf(!hasSharedCeph())('in a real S3 (needs radosgw)', { timeout: 60_000 }, () => {
  let server: S3Server;
  let bucket: string;
  const proxies: FaultProxy[] = [];

  beforeAll(async () => {
    server = await sharedCeph();
    bucket = await server.createBucket();
  }, 60_000);
  afterAll(async () => {
    for (const proxy of proxies) await proxy.close();
  });

  const put = (): Promise<kit.Copy> => kit.putS3(server, bucket, objects);

  /** The environment that leads through a proxy with that plan. */
  async function through(plan: (request: ProxiedRequest) => FaultKind | undefined): Promise<Record<string, string>> {
    const proxy = await startFaultProxy(server.endpoint, { plan });
    proxies.push(proxy);
    return { MINIO_ENDPOINT: proxy.endpoint };
  }

  test('the same archive without damage passes, all of it proven, its tables compared', async () => {
    await passes(await put());
    await passes(await put(), { env: await through(() => undefined), flags: FILES_ONLY });
  });

  tellObjectDamages(put);

  test('a migration that ended half-way: EXPORT_UNFINISHED, and EXPORTS_MISSING beside its source', async () => {
    const source = await put();
    const target = kit.copyInS3(server, bucket, 'half');
    let copies = 0;
    const env = {
      ...source.env,
      ...(await through(({ method, operation, path: name }) => {
        if (operation === 'CopyObject') copies += 1;
        const isNext = operation === 'CopyObject' || (method === 'PUT' && name.endsWith('.export.json'));
        return isNext && copies > 1 ? '403-expired-token' : undefined;
      })),
    };
    const state = { LAKEPACK_STATE_DIR: path.join(makeFolder(), 'state') };
    const words = ['migrate', source.from, target.from, '--concurrency', '1'];
    const migrated = await runCli(words, library, { env: { ...env, ...state } });
    expect([migrated.code, migrated.stderr]).toEqual([5, expect.stringContaining('ExpiredToken')]);
    const drilled = await kit.drillOf(target, { flags: FILES_ONLY });
    tells('half-finished migration', drilled, {
      how: 'the key of a migration expires in the middle of its second export: checksums came, the bundle did not',
      ...{ reasons: 'EXPORT_UNFINISHED', outcome: 'fail', exit: 3, proven: 1 },
    });
    await leftEvidence(target, drilled);
    tells(
      'the same, beside its source',
      await kit.drillOf(target, { flags: [...FILES_ONLY, '--same-as', source.from] }),
      {
        how: 'as above, with `--same-as` its source',
        ...{ reasons: 'EXPORT_UNFINISHED, EXPORTS_MISSING', outcome: 'fail', exit: 3, proven: 1 },
      },
    );
  });

  test('an upload that nobody completed: EXPORT_UNFINISHED', async () => {
    const copy = await put();
    const id = '20251013T000000Z-0a0b0c0d';
    const Key = `${copy.from.split('/').at(-1)}/exports/silver/late/dt=1/${id}/${id}-00001.tar.zst`;
    const client = plainClient(server);
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    await client.send(
      new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: Buffer.alloc(1_000) }),
    );
    tells('upload that nobody completed', await kit.drillOf(copy, { flags: FILES_ONLY }), {
      how: 'one part of a multipart upload of a bundle, and no object of that export',
      ...{ reasons: 'EXPORT_UNFINISHED', outcome: 'fail', exit: 3, proven: kit.EXPORTS },
    });
  });

  const NOT_SEEN = { outcome: 'inconclusive', exit: 7, proven: 0 };

  test('a wrong key: CREDENTIALS_REFUSED', async () => {
    const copy = await put();
    const wrong = makeKeys();
    const how = 'the secret is another; likewise the key id';
    for (const env of [
      { MINIO_ROOT_PASSWORD: wrong.secretAccessKey },
      { MINIO_ROOT_USER: wrong.accessKeyId, MINIO_ROOT_PASSWORD: wrong.secretAccessKey },
    ]) {
      const drilled = await kit.drillOf(copy, { env });
      tells('wrong key', drilled, { how, reasons: 'CREDENTIALS_REFUSED', ...NOT_SEEN });
      await leftEvidence(copy, drilled);
    }
  });

  test('expired credentials: CREDENTIALS_EXPIRED', async () => {
    const copy = await put();
    const atOnce = await kit.drillOf(copy, { env: await through(() => '403-expired-token') });
    const how = 'the store answers ExpiredToken to everything; to everything after the first bundle';
    tells('expired credentials', atOnce, { how, reasons: 'CREDENTIALS_EXPIRED', ...NOT_SEEN });
    await leftEvidence(copy, atOnce);
    const flags = [...FILES_ONLY, '--concurrency', '1'];
    const midway = await kit.drillOf(copy, { env: await through(afterFirstBundle('403-expired-token')), flags });
    expect(midway.record.reasons.map(({ code, step }) => `${code} ${step}`)).toEqual(['CREDENTIALS_EXPIRED pull']);
    expect([midway.code, midway.left]).toEqual([7, []]);
    await leftEvidence(copy, midway);
  });

  test('an archive that does not answer, or stops answering: ARCHIVE_UNREACHABLE', async () => {
    const copy = await put();
    const closed = { MINIO_ENDPOINT: `http://127.0.0.1:${await freePorts(1)}` };
    const drilled = await kit.drillOf(copy, { env: closed });
    tells('archive unreachable', drilled, {
      how: 'nobody listens on the port of the store',
      ...{ reasons: 'ARCHIVE_UNREACHABLE', ...NOT_SEEN },
    });
    await leftEvidence(copy, drilled);
    const flags = [...FILES_ONLY, '--concurrency', '1'];
    const cut = await kit.drillOf(copy, { env: await through(afterFirstBundle('reset-before')), flags });
    tells('archive cut off', cut, {
      how: 'every connection is reset after the first bundle was pulled',
      ...{ reasons: 'ARCHIVE_UNREACHABLE', ...NOT_SEEN, proven: cut.record.exports.filter((one) => one.proven).length },
    });
    expect(cut.record.reasons[0]?.step).toBe('pull');
    expect(cut.record.exports.some(({ proven }) => !proven)).toBe(true);
    await leftEvidence(copy, cut);
  });

  test('a key that may list and not read: ACCESS_DENIED', async ({ skip }) => {
    const { other } = server;
    if (other === undefined) return skip('the given server has no second user');
    const Principal = { AWS: ['arn:aws:iam:::user/other'] };
    const lister = await server.createBucket(`lakepack-list-only-${Date.now().toString(36)}`);
    await kit.allow(server, lister, {
      Effect: 'Allow',
      Principal,
      Action: ['s3:ListBucket'],
      Resource: [`arn:aws:s3:::${lister}`],
    });
    const copy = await kit.putS3(server, lister, objects);
    const drilled = await kit.drillOf(copy, { env: kit.environmentOf({ endpoint: server.endpoint, keys: other }) });
    tells('key without the right to read', drilled, {
      how: 'a policy lets the key list the bucket and nothing else',
      ...{ reasons: 'ACCESS_DENIED', ...NOT_SEEN },
    });
    await leftEvidence(copy, drilled);
  });
});

test('docs/drills.md tells each class as it was seen', () => {
  const documents = fs.readFileSync(new URL('../../docs/drills.md', import.meta.url), 'utf8');
  const [, part = ''] = /<!-- damage: .*? -->\n(.*?)<!-- end of damage -->/s.exec(documents) ?? [];
  const rows = new Map(tablesOf(part)[0]?.rows.map(([name = '', ...cells]) => [name, cells]));
  expect(rows.size).toBeGreaterThanOrEqual(12);
  if (isAllThere) expect([...rows.keys()].sort()).toEqual([...seen.keys()].sort());
  for (const [name, { how, reasons, outcome, exit }] of seen) {
    const codes = reasons.split(', ').map((code) => `\`${code}\``);
    expect([name, ...(rows.get(name) ?? [])]).toEqual([name, how, codes.join(', '), outcome, String(exit)]);
  }
});

function expectedOf({ how, reasons, outcome, exit, proven }: DamageClass): Expected {
  return { how, reasons, outcome, exit, proven };
}

/** From the second read of a bundle on, of everything. */
function afterFirstBundle(kind: FaultKind): (request: ProxiedRequest) => FaultKind | undefined {
  let bundles = 0;
  return ({ operation, path: name }) => {
    if (operation === 'GetObject' && name.endsWith('.tar.zst')) bundles += 1;
    return bundles > 1 ? kind : undefined;
  };
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = fs.mkdtempSync(path.join(makeFolder(), 'mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    // A container without that right.
    return false;
  }
}

function mounted(size: string): string {
  const folder = fs.mkdtempSync(path.join(makeFolder(), 'mount-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}
