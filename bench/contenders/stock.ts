/** tar, zstd and sha256sum by hand: for the bytes alone, with all the hashing that lakepack does, a partition at a time. And bare Node. */
import path from 'node:path';
import { script, startedOften, type Contender, type Place } from '../contender.js';

const TAR_TO_ZSTD = 'tar -C "$1" -cf - . | zstd -3 -T"$3" -q -o "$2/lake.tar.zst"';
const ZSTD_TO_TAR = 'zstd -dcq "$1/lake.tar.zst" | tar -C "$2" -xf -';
/** The list stands beside the bundle, as the sum of the bundle does. */
const SUM_FILES = 'cd "$1"; find . -type f -print0 | xargs -0 sha256sum > "$2/files.sha256"';
const SUM_BUNDLE = 'cd "$2"; sha256sum lake.tar.zst > bundle.sha256';

const PROGRAMS = ['bash', 'tar', 'zstd', 'sha256sum', 'find', 'xargs'];

/** No hashes, no fsync: the least that making or reading such a file can cost. */
export const TAR_ZSTD: Contender = {
  name: 'tar | zstd',
  does: {
    pack: '`tar c LAKE | zstd -3 -T0`: no SHA-256, no fsync',
    unpack: '`zstd -dc | tar x`: only the check sum inside of zstd, no fsync',
  },
  programs: PROGRAMS,
  attempts: {
    pack: (place) => ({
      timed: { argv: script(TAR_TO_ZSTD, place.lake, place.fresh, String(place.cores)) },
      stored: place.fresh,
    }),
    unpack: (place) => ({
      before: [{ argv: ['mkdir', restoredIn(place)] }],
      timed: { argv: script(ZSTD_TO_TAR, place.store, restoredIn(place)) },
      restored: restoredIn(place),
    }),
  },
};

/** The steps run one after the other, as they stand in a shell script. */
export const SAME_WORK: Contender = {
  name: 'same work by hand',
  does: {
    pack: '`tar c LAKE | zstd -3 -T0`, then `sha256sum` of every file, then of the bundle; no fsync',
    verify: "`zstd -dc | sha256sum` of lakepack's bundle: one sum over all of its contents",
    unpack: '`zstd -dc | tar x`, then `sha256sum -c` of every file; no fsync',
  },
  programs: PROGRAMS,
  attempts: {
    pack: (place) => ({
      timed: {
        argv: script([TAR_TO_ZSTD, SUM_FILES, SUM_BUNDLE].join('\n'), place.lake, place.fresh, String(place.cores)),
      },
      stored: place.fresh,
    }),
    verify: (place) => ({
      timed: {
        argv: script(
          // a glob and not find: it must fail when there is no bundle
          'shopt -s globstar failglob; for bundle in "$1"/**/*.tar.zst; do zstd -dcq "$bundle" | sha256sum; done',
          place.ourStore,
        ),
      },
    }),
    unpack: (place) => ({
      before: [{ argv: ['mkdir', restoredIn(place)] }],
      timed: {
        argv: script(
          `${ZSTD_TO_TAR}\ncd "$2"; sha256sum --strict --quiet -c "$1/files.sha256"`,
          place.store,
          restoredIn(place),
        ),
      },
      restored: restoredIn(place),
    }),
  },
};

/** As `tar | zstd`, by the zstd that writes frames side by side and reads them so. */
export const PZSTD: Contender = {
  name: 'tar | pzstd',
  does: {
    pack: '`tar c LAKE | pzstd -3`: no SHA-256, no fsync',
    unpack: '`pzstd -dc | tar x`: only the check sum inside of zstd, no fsync',
  },
  programs: ['bash', 'tar', 'pzstd'],
  attempts: {
    pack: (place) => ({
      timed: {
        argv: script(
          'tar -C "$1" -cf - . | pzstd -3 -p "$3" -q -o "$2/lake.tar.zst"',
          ...[place.lake, place.fresh, String(place.cores)],
        ),
      },
      stored: place.fresh,
    }),
    unpack: (place) => ({
      before: [{ argv: ['mkdir', restoredIn(place)] }],
      timed: {
        argv: script(
          'pzstd -dcq -p "$3" "$1/lake.tar.zst" | tar -C "$2" -xf -',
          ...[place.store, restoredIn(place), String(place.cores)],
        ),
      },
      restored: restoredIn(place),
    }),
  },
};

/** A partition is here a folder that holds files: the data sets for this work have no other. */
const EACH_PARTITION = `cd "$1"
find . -type f -printf '%h\\n' | sort -u | while read -r partition; do
  bundle="$2/\${partition//\\//.}.tar.zst"
  tar cf - "$partition" | zstd -3 -q > "$bundle"
  sha256sum "$bundle" > "$bundle.sha256"
done
sync -f "$2"`;

export const SHELL_LOOP: Contender = {
  name: 'shell loop',
  does: {
    'pack-partitions':
      'for each partition `tar c P | zstd -3 > f; sha256sum f`; at the end one `sync` of the file system with the results',
  },
  programs: [...PROGRAMS, 'sort', 'sync'],
  attempts: {
    'pack-partitions': (place) => ({
      timed: { argv: script(EACH_PARTITION, place.lake, place.fresh) },
      stored: place.fresh,
    }),
  },
};

/** What starting Node costs before any program of ours is read. */
export const NODE: Contender = {
  name: 'node -e 0',
  does: { help: '`node -e 0`', version: '`node -e 0`' },
  programs: [],
  attempts: {
    help: () => startedOften(process.execPath, '-e', '0'),
    version: () => startedOften(process.execPath, '-e', '0'),
  },
};

function restoredIn(place: Place): string {
  return path.join(place.fresh, 'lake');
}
