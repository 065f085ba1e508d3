/**
 * The whole journey of a lake over a real S3, through the command line: packed straight into the store, verified there,
 * carried elsewhere and back by the hands of other tools, pulled, restored, and lost in parts and healed.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import * as library from '../src/index.js';
import { runCli } from './cli/run-cli.js';
import { differences, filesOf, fixturesLake, makeFolder, treeOf } from './operations/lakes.js';
import { hasSharedCeph, sharedCeph, type S3Server } from './servers/ceph.js';

const run = promisify(execFile);

/** A name on the PATH may lead nowhere: the program must answer. */
async function answers(program: string): Promise<boolean> {
  return await run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

const hasRclone = await answers('rclone');
const hasAws = await answers('aws');

describe.skipIf(!hasSharedCeph())('over a real S3 (needs radosgw)', { timeout: 60_000 }, () => {
  let server: S3Server;
  let bucket: string;
  let lake: string;
  let home: string;
  let archive: string;

  async function say(...argv: readonly string[]): Promise<string> {
    const env = {
      MINIO_ENDPOINT: server.endpoint,
      MINIO_ROOT_USER: server.keys.accessKeyId,
      MINIO_ROOT_PASSWORD: server.keys.secretAccessKey,
      LAKEPACK_STATE_DIR: path.join(home, 'state'),
    };
    const { code, stdout, stderr } = await runCli(argv, library, { env, cwd: home });
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    return stdout;
  }

  /** Environment of the tools: no key stands on a command line or in a file. */
  function toolEnvironment(): NodeJS.ProcessEnv {
    const { accessKeyId, secretAccessKey } = server.keys;
    // What the machine says of other stores is not about this one.
    const own = Object.entries(process.env).filter(([name]) => !/^(AWS|RCLONE)_/.test(name));
    return {
      ...Object.fromEntries(own),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: server.region,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
      AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
      RCLONE_CONFIG_STORE_TYPE: 's3',
      RCLONE_CONFIG_STORE_PROVIDER: 'Ceph',
      RCLONE_CONFIG_STORE_ENV_AUTH: 'true',
      RCLONE_CONFIG_STORE_ENDPOINT: server.endpoint,
      RCLONE_CONFIG_STORE_REGION: server.region,
    };
  }

  async function restores(from: string): Promise<void> {
    const into = fs.mkdtempSync(path.join(home, 'restored-'));
    const text = await say('import', 'unpack', '--all', '--from', from, '--into', into, '--quiet');
    expect(text).toBe('');
    expect(differences(treeOf(lake), treeOf(into))).toEqual([]);
  }

  beforeAll(async () => {
    server = await sharedCeph();
    bucket = await server.createBucket();
    lake = await fixturesLake();
    home = makeFolder();
    archive = `minio:${bucket}/first`;
    await say('export', 'pack', lake, '--to', archive, '--quiet');
  }, 60_000);

  test('packed straight into the store, verified there, and restored from there', async () => {
    expect(await say('export', 'pack', lake, '--to', archive)).toContain('nothing new to pack');
    expect(await say('verify', '--archive', archive)).toContain('all sound');
    await restores(archive);
  });

  test('one partition, and one file of it', async () => {
    const into = path.join(home, 'one');
    const words = ['silver/reviews/dt=2025-10-11', '--from', archive, '--into', into, '--path', '**/*.parquet'];
    await say('import', 'unpack', ...words);
    expect([...filesOf(into).keys()]).toEqual(['silver/reviews/dt=2025-10-11/part-0.parquet']);
  });

  test('pulled into a folder, it is an archive like any other', async () => {
    const pulled = path.join(home, 'pulled');
    await say('import', 'pull', '--from', archive, '--into', pulled);
    expect(await say('verify', '--archive', pulled)).toContain('all sound');
    await restores(pulled);
  });

  test.skipIf(!hasRclone)('rclone carries it elsewhere and back (needs rclone)', async () => {
    const env = toolEnvironment();
    const carried = path.join(home, 'by-rclone');
    await run('rclone', ['copy', `store:${bucket}/first`, carried, '-q'], { env });
    expect(await say('verify', '--archive', carried)).toContain('all sound');
    await run('rclone', ['copy', carried, `store:${bucket}/rclone`, '-q', '--s3-no-check-bucket'], { env });
    expect(await say('verify', '--archive', `minio:${bucket}/rclone`)).toContain('all sound');
    await restores(`minio:${bucket}/rclone`);
  });

  test.skipIf(!hasAws)('aws-cli carries it elsewhere and back (needs aws)', async () => {
    const env = toolEnvironment();
    const carried = path.join(home, 'by-aws');
    const sync = ['s3', 'sync', '--only-show-errors', '--endpoint-url', server.endpoint];
    await run('aws', [...sync, `s3://${bucket}/first`, carried], { env });
    await run('aws', [...sync, carried, `s3://${bucket}/aws`], { env });
    expect(await say('verify', '--archive', `minio:${bucket}/aws`, '--depth', 'stored')).toContain('all sound');
    await restores(`minio:${bucket}/aws`);
  });

  test('what is damaged on a disk comes from the store', async () => {
    const damaged = path.join(home, 'damaged');
    await say('import', 'pull', '--from', archive, '--into', damaged, '--quiet');
    const [bundle = ''] = [...filesOf(damaged).keys()].filter((name) => name.endsWith('.tar.zst'));
    fs.truncateSync(path.join(damaged, bundle), 100);
    const into = path.join(home, 'healed');
    const text = await say('import', 'unpack', '--all', '--from', damaged, '--fallback', archive, '--into', into);
    expect(text).toContain('healed 1 block from');
    expect(differences(treeOf(lake), treeOf(into))).toEqual([]);
  });

  test('a lake is moved out into two archives, and put back', async () => {
    const moved = path.join(home, 'moved');
    fs.cpSync(lake, moved, { recursive: true, preserveTimestamps: true });
    const to = ['--to', `minio:${bucket}/moved`, '--to', path.join(home, 'disk')];
    await say('export', 'pack', moved, ...to, '--remove-source', '--copies', '2', '--quiet');
    expect([...filesOf(moved).keys()].filter((name) => !name.startsWith('manifests/'))).toEqual([]);
    await restores(`minio:${bucket}/moved`);
    await restores(path.join(home, 'disk'));
  });
});
