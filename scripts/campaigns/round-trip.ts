/**
 * Takes a lake through a real S3 server and back: packed straight into it, verified there, pulled and unpacked elsewhere;
 * then the same with the hands of rclone and aws-cli on the archive in between. `diff -r` is the judge.
 *
 *     npx tsx scripts/campaigns/round-trip.ts --lake DIR [dataset]
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { makeLake } from '../../fixtures/make-lake.js';
import { startCeph } from '../../test/servers/ceph.js';
import { campaignArguments, inScratch, isMain, tell } from './campaign.js';
import { programWords, runProgram, type Program } from './program.js';

interface Step {
  readonly step: string;
  readonly seconds: number;
}

export interface RoundTripReport {
  readonly steps: readonly Step[];
  readonly faults: readonly string[];
}

export async function roundTrip(given: string | undefined, by: string): Promise<RoundTripReport> {
  return await inScratch(async (folder) => {
    const ceph = await startCeph({ memoryGiB: 8 });
    const steps: Step[] = [];
    const faults: string[] = [];
    const { accessKeyId, secretAccessKey } = ceph.keys;
    const env = {
      LAKEPACK_STATE_DIR: path.join(folder, 'state'),
      MINIO_ENDPOINT: ceph.endpoint,
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      RCLONE_CONFIG: '/dev/null',
      RCLONE_S3_PROVIDER: 'Ceph',
      RCLONE_S3_ENDPOINT: ceph.endpoint,
      RCLONE_S3_ACCESS_KEY_ID: accessKeyId,
      RCLONE_S3_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: ceph.region,
      AWS_ENDPOINT_URL: ceph.endpoint,
    };
    const program: Program = { words: programWords(folder), env };
    const timed = async (step: string, work: () => Promise<string | undefined>): Promise<void> => {
      const started = performance.now();
      const fault = await work();
      steps.push({ step, seconds: Math.round((performance.now() - started) / 100) / 10 });
      if (fault !== undefined) faults.push(`${step}: ${fault}`);
    };
    const lakepack = (...words: string[]): Promise<void> =>
      timed(words.slice(0, 2).join(' '), async () => {
        const { code, stderr } = await runProgram(program, [...words, '--quiet']);
        return code === 0 ? undefined : `ended with ${code}: ${stderr}`;
      });
    const other = (...[name = '', ...words]: string[]): Promise<void> =>
      timed(`${name} ${words[0]}`, async () => {
        try {
          // A bundle of authorities in the environment makes rclone refuse plain http.
          execFileSync(name, words, { env: { ...process.env, ...env, AWS_CA_BUNDLE: undefined }, stdio: 'pipe' });
          return undefined;
        } catch (error) {
          return String(error);
        }
      });
    try {
      const lake = given ?? path.join(folder, 'lake');
      if (given === undefined) await makeLake(lake, { scale: 1 });
      const bucket = await ceph.createBucket();
      const at = (name: string): string => path.join(folder, name);
      await lakepack('export', 'pack', lake, '--to', `minio:${bucket}/first`, '--by', by);
      await lakepack('verify', '--archive', `minio:${bucket}/first`);
      await lakepack('import', 'pull', '--from', `minio:${bucket}/first`, '--to', at('pulled'));
      await lakepack('import', 'unpack', '--all', '--from', at('pulled'), '--into', at('restored-1'));
      await other('diff', '-r', lake, at('restored-1'));
      await other('rclone', 'copy', `:s3:${bucket}/first`, at('by-rclone'), '--transfers', '16');
      await other('rclone', 'copy', at('by-rclone'), `:s3:${bucket}/second`, '--transfers', '16');
      await lakepack('verify', '--archive', `minio:${bucket}/second`, '--depth', 'stored');
      const endpoint = ['--endpoint-url', ceph.endpoint, '--only-show-errors'];
      await other('aws', 's3', 'sync', `s3://${bucket}/second`, at('by-aws'), ...endpoint);
      await other('aws', 's3', 'sync', at('by-aws'), `s3://${bucket}/third`, ...endpoint);
      await lakepack('verify', '--archive', `minio:${bucket}/third`);
      await lakepack('import', 'unpack', '--all', '--from', `minio:${bucket}/third`, '--into', at('restored-2'));
      await other('diff', '-r', lake, at('restored-2'));
      return { steps, faults };
    } finally {
      await ceph.stop();
    }
  });
}

if (isMain(import.meta.url)) {
  const { lake, words } = campaignArguments(1);
  const report = await roundTrip(lake === undefined ? undefined : path.resolve(lake), words[0] ?? 'partition');
  tell(report, report.faults);
}
