/** The built command line of this project: what everything else is compared with. */
import path from 'node:path';
import type { Command, Contender, Place } from '../contender.js';

const BIN = path.resolve(import.meta.dirname, '../../dist/bin.js');

export const LAKEPACK: Contender = {
  name: 'lakepack',
  does: {
    pack: '`export pack --by lake --level 3`: every file inspected, SHA-256 of every file and of the bundle, fsync',
    verify: '`verify --depth contents`: every stored byte and every file',
    unpack: '`import unpack --all`: every byte compared before its final name, fsync',
  },
  programs: [],
  attempts: {
    pack: (place) => packAttempt(place, []),
    verify: (place) => ({
      timed: lakepack(place, 'verify', '--archive', archiveIn(place.store), '--depth', 'contents'),
    }),
    unpack: (place) => ({
      timed: lakepack(
        place,
        'import',
        'unpack',
        '--all',
        '--from',
        archiveIn(place.store),
        '--into',
        restoredIn(place),
      ),
      restored: restoredIn(place),
    }),
  },
};

/** Shows what looking into every file costs: other tools do not look. */
export const LAKEPACK_QUICK: Contender = {
  name: 'lakepack, quick look',
  does: { pack: 'as lakepack, with `--inspect quick`: gzip and Parquet are looked at from both ends only' },
  programs: [],
  attempts: { pack: (place) => packAttempt(place, ['--inspect', 'quick']) },
};

function packAttempt(place: Place, options: readonly string[]) {
  const archive = archiveIn(place.fresh);
  const words = ['export', 'pack', place.lake, '--to', archive, '--by', 'lake', '--level', '3'];
  return { timed: lakepack(place, ...words, ...options), stored: archive };
}

function lakepack(place: Place, ...words: string[]): Command {
  return {
    argv: [process.execPath, BIN, ...words, '--quiet'],
    env: { LAKEPACK_STATE_DIR: path.join(place.fresh, 'state') },
  };
}

function restoredIn(place: Place): string {
  return path.join(place.fresh, 'lake');
}

function archiveIn(store: string): string {
  return path.join(store, 'archive');
}
