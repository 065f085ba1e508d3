/**
 * rclone and aws-cli: what people copy folders into S3 stores with today. They copy the files of the archive that lakepack
 * pushes and pulls, to and from the same server.
 */
import path from 'node:path';
import { serverOf, type Attempt, type Command, type Contender, type Place } from '../contender.js';
import { archiveIn } from './lakepack.js';

const WIDE = ['--transfers', '16', '--checkers', '16', '--s3-upload-concurrency', '8'];

export const RCLONE = rclone('rclone copy', []);
/** Our own number of transfers at once, where its default is 4. */
export const RCLONE_WIDE = rclone('rclone copy, 16 transfers', WIDE);

export const AWS: Contender = {
  name: 'aws s3 cp',
  does: { push: '`aws s3 cp --recursive` of the archive', pull: '`aws s3 cp --recursive` of the archive' },
  programs: ['aws'],
  attempts: {
    push: (place) => ({ timed: aws(place, archiveIn(place.ourStore), `s3://${serverOf(place).fresh}`) }),
    pull: (place) => pulled(place, (folder) => aws(place, `s3://${serverOf(place).stored}`, folder)),
  },
};

function rclone(name: string, options: readonly string[]): Contender {
  const words = `\`${['rclone copy', ...options].join(' ')}\` of the archive`;
  const copy = (place: Place, from: string, to: string): Command => {
    const { endpoint, keys } = serverOf(place);
    return {
      argv: ['rclone', 'copy', ...options, from, to],
      env: {
        RCLONE_S3_PROVIDER: 'Ceph',
        RCLONE_S3_ENDPOINT: endpoint,
        RCLONE_S3_ACCESS_KEY_ID: keys.accessKeyId,
        RCLONE_S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
        RCLONE_CONFIG: '/dev/null',
      },
    };
  };
  return {
    name,
    does: { push: words, pull: words },
    programs: ['rclone'],
    attempts: {
      push: (place) => ({ timed: copy(place, archiveIn(place.ourStore), `:s3:${serverOf(place).fresh}`) }),
      pull: (place) => pulled(place, (folder) => copy(place, `:s3:${serverOf(place).stored}`, folder)),
    },
  };
}

function pulled(place: Place, command: (folder: string) => Command): Attempt {
  const restored = path.join(place.fresh, 'archive');
  return { timed: command(restored), restored, original: archiveIn(place.ourStore) };
}

function aws(place: Place, from: string, to: string): Command {
  const { endpoint, keys } = serverOf(place);
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
