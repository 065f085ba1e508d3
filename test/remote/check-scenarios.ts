/** The situations that `remote check` is tried in: the tests judge them, and docs/remote-check.md shows them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { PutObjectCommand, PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { checkRemote, type RemoteCheckReport } from '../../src/index.js';
import { plainClient, startCeph, type S3Server, type TestKeys } from '../servers/ceph.js';
import { makeCertificate } from '../servers/tls.js';
import { startWrongRegion } from '../servers/wrong-region.js';

export interface Scenario {
  readonly title: string;
  /** What is special, for the documents. */
  readonly about: string;
  run(server: S3Server): Promise<RemoteCheckReport>;
}

interface Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly keys: TestKeys;
  readonly region?: string;
}

const MINUTE_MS = 60_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'As it is',
    about: 'A bucket of its own, http, the key of its owner.',
    run: async ({ endpoint, keys, createBucket }) => checkAt({ endpoint, keys, bucket: await createBucket() }),
  },
  {
    title: 'With TLS',
    about: 'The same over https, with an authority that `NODE_EXTRA_CA_CERTS` names.',
    run: async () => withTls((place, ca) => checkInChild(place, { NODE_EXTRA_CA_CERTS: ca })),
  },
  {
    title: 'With TLS that nobody vouches for',
    about: 'The same without `NODE_EXTRA_CA_CERTS`.',
    run: async ({ keys }) => withUnknownTls((endpoint) => checkInChild({ endpoint, keys, bucket: 'bucket' }, {})),
  },
  {
    title: 'With a key that may only read',
    about: 'A second user, whom the policy of the bucket lets list and read.',
    run: async (server) => checkAt(await readOnlyPlace(server)),
  },
  {
    title: 'With a key that may only read, and --read-only',
    about: 'The same, and it shall not do more.',
    run: async (server) => checkAt(await readOnlyPlace(server), { readOnly: true }),
  },
  {
    title: 'With a wrong key',
    about: 'The id of a key with the secret of another.',
    run: async ({ endpoint, keys, other, createBucket }) => {
      const wrong = { ...keys, secretAccessKey: other?.secretAccessKey ?? 'x'.repeat(40) };
      return checkAt({ endpoint, keys: wrong, bucket: await createBucket() });
    },
  },
  {
    title: 'With a wrong region, on the gateway',
    about: 'The gateway takes any region, so there is nothing to say.',
    run: async ({ endpoint, keys, createBucket }) =>
      checkAt({ endpoint, keys, bucket: await createBucket(), region: 'eu-north-1' }),
  },
  {
    title: 'With a wrong region, as AWS answers',
    about: 'A fake that answers as AWS does, because the gateway takes any region.',
    run: async ({ keys }) => {
      const fake = await startWrongRegion();
      try {
        return await checkAt({ endpoint: fake.endpoint, keys, bucket: 'bucket' });
      } finally {
        await fake.close();
      }
    },
  },
  {
    title: 'With a bucket that is not there',
    about: 'Everything is right but the name.',
    run: async ({ endpoint, keys }) => checkAt({ endpoint, keys, bucket: 'lakepack-no-such-bucket' }),
  },
  {
    title: 'With a clock that is 20 minutes off',
    about: 'The requests are signed with a time 20 minutes ahead.',
    run: async ({ endpoint, keys, createBucket }) =>
      checkAt({ endpoint, keys, bucket: await createBucket() }, { clockOffsetMs: 20 * MINUTE_MS }),
  },
  {
    title: 'With versioning and object lock on',
    about: 'A bucket with object lock, which has versions too; no retention of its own.',
    run: async ({ endpoint, keys, createBucket }) =>
      checkAt({ endpoint, keys, bucket: await createBucket(undefined, { objectLock: true }) }),
  },
  {
    title: 'With a retention on every object',
    about: 'Object lock with a default retention: what is written cannot be removed, so no object is written.',
    run: async ({ endpoint, keys, createBucket }) => {
      const bucket = await createBucket(undefined, { objectLock: true });
      await keepEverything({ endpoint, keys }, bucket);
      return checkAt({ endpoint, keys, bucket });
    },
  },
];

export function locationOf({ endpoint, bucket, region = 'us-east-1' }: Place): string {
  return `s3://${bucket}/lake?endpoint=${endpoint}&region=${region}&provider=ceph`;
}

export async function checkAt(
  place: Place,
  options: { readonly readOnly?: boolean; readonly clockOffsetMs?: number; readonly signal?: AbortSignal } = {},
): Promise<RemoteCheckReport> {
  const environment = variablesOf(place.keys);
  return checkRemote({
    remote: { location: locationOf(place), context: { environment, remotes: new Map() } },
    ...options,
  });
}

function variablesOf({ accessKeyId, secretAccessKey }: TestKeys): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** Node reads its authorities when it starts. */
async function checkInChild(place: Place, more: Readonly<Record<string, string>>): Promise<RemoteCheckReport> {
  const project = path.resolve(import.meta.dirname, '../..');
  const env = { ...process.env, ...variablesOf(place.keys), ...more };
  const args = ['--import', 'tsx', 'src/bin.ts', 'remote', 'check', locationOf(place), '--json'];
  const run = promisify(execFile)(process.execPath, args, { cwd: project, env });
  const { stdout } = await run.catch((error: unknown) => error as { readonly stdout: string });
  return JSON.parse(stdout) as RemoteCheckReport;
}

async function withTls(check: (place: Place, ca: string) => Promise<RemoteCheckReport>): Promise<RemoteCheckReport> {
  const certificate = makeCertificate();
  try {
    const ceph = await startCeph({ tls: certificate });
    try {
      return await check(
        { endpoint: ceph.endpoint, keys: ceph.keys, bucket: await ceph.createBucket() },
        certificate.ca,
      );
    } finally {
      await ceph.stop();
    }
  } finally {
    certificate.remove();
  }
}

/** What answers does not matter: nobody gets that far. */
async function withUnknownTls(check: (endpoint: string) => Promise<RemoteCheckReport>): Promise<RemoteCheckReport> {
  const certificate = makeCertificate();
  const options = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
  const server = createServer(options, (_request, response) => void response.end());
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return await check(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    certificate.remove();
  }
}

async function readOnlyPlace({ endpoint, keys, other, createBucket }: S3Server): Promise<Place> {
  const bucket = await createBucket(undefined, { readOnlyForOther: true });
  const client = plainClient({ endpoint, keys });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'lake/manifests/there already', Body: 'something' }));
  client.destroy();
  return { endpoint, bucket, keys: other ?? keys };
}

async function keepEverything(server: Pick<S3Server, 'endpoint' | 'keys'>, bucket: string): Promise<void> {
  const client = plainClient(server);
  const rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } as const;
  const configuration = { ObjectLockEnabled: 'Enabled', Rule: rule } as const;
  await client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: configuration }));
  client.destroy();
}
