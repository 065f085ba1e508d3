/** The built command line of this project: what everything else is compared with. */
import path from 'node:path';
import { serverOf, startedOften, type Attempt, type Command, type Contender, type Place } from '../contender.js';

const WHOLE_LAKE = ['--by', 'lake', '--level', '3'];

export const LAKEPACK: Contender = {
  name: 'lakepack',
  does: {
    pack: '`export pack --by lake --level 3`: every file inspected, SHA-256 of every file and of the bundle, fsync',
    'pack-partitions': '`export pack --level 3`: one export a partition, each with manifest and hashes, fsync',
    verify: '`verify --depth contents`: every stored byte and every file',
    unpack: '`import unpack --all`: every byte compared before its final name, fsync',
    push: '`export push`: every block proven by the store or read back before the manifest is written',
    pull: '`import pull`: every block compared with its SHA-256, fsync',
    help: '`lakepack --help`',
    version: '`lakepack --version`',
  },
  programs: [],
  attempts: {
    pack: (place) => packAttempt(place, WHOLE_LAKE),
    'pack-partitions': (place) => packAttempt(place, ['--level', '3']),
    verify: (place) => ({
      timed: lakepack(place, 'verify', '--archive', archiveIn(place.store), '--depth', 'contents'),
    }),
    unpack: (place) => {
      const restored = path.join(place.fresh, 'lake');
      const words = ['import', 'unpack', '--all', '--from', archiveIn(place.store), '--into', restored];
      return { timed: lakepack(place, ...words), restored };
    },
    push: (place) => ({
      timed: lakepack(place, 'export', 'push', archiveIn(place.ourStore), '--to', `minio:${serverOf(place).fresh}`),
    }),
    pull: (place) => {
      const restored = path.join(place.fresh, 'archive');
      const words = ['import', 'pull', '--from', `minio:${serverOf(place).stored}`, '--to', restored];
      return { timed: lakepack(place, ...words), restored, original: archiveIn(place.ourStore) };
    },
    help: (place) => startedOften(...place.lakepack, '--help'),
    version: (place) => startedOften(...place.lakepack, '--version'),
  },
};

/** Shows what looking into every file costs: other tools do not look. */
export const LAKEPACK_QUICK: Contender = {
  name: 'lakepack, quick look',
  does: { pack: 'as lakepack, with `--inspect quick`: gzip and Parquet are looked at from both ends only' },
  programs: [],
  attempts: { pack: (place) => packAttempt(place, [...WHOLE_LAKE, '--inspect', 'quick']) },
};

/** The archive that lakepack's pack leaves in a store or a fresh folder. */
export function archiveIn(store: string): string {
  return path.join(store, 'archive');
}

function packAttempt(place: Place, options: readonly string[]): Attempt {
  const archive = archiveIn(place.fresh);
  return { timed: lakepack(place, 'export', 'pack', place.lake, '--to', archive, ...options), stored: archive };
}

function lakepack({ lakepack: start, fresh, server }: Place, ...words: string[]): Command {
  return {
    argv: [...start, ...words, '--quiet'],
    env: {
      LAKEPACK_STATE_DIR: path.join(fresh, 'state'),
      ...(server !== undefined && {
        MINIO_ENDPOINT: server.endpoint,
        MINIO_ROOT_USER: server.keys.accessKeyId,
        MINIO_ROOT_PASSWORD: server.keys.secretAccessKey,
      }),
    },
  };
}
