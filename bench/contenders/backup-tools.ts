/**
 * restic and borg: what people use for such data today. They do more than we (they deduplicate; restic encrypts) and other
 * things than we (no file that tar can read). Each attempt has its own repository and cache, made before the clock runs.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Command, Contender, Place } from '../contender.js';

/** The repositories live as long as the benchmark. Passed in the environment only, so that no list of processes shows it. */
const PASSWORD = randomUUID();

export const RESTIC: Contender = {
  name: 'restic',
  does: {
    pack: '`restic backup` into a new repository: chunked, hashed, zstd (`auto`), encrypted, fsync',
    verify: '`restic check --read-data`',
    unpack: '`restic restore`: hashes of chunks checked',
  },
  programs: ['restic'],
  attempts: {
    pack: (place) => ({
      before: [restic(place.fresh, 'init', '--repository-version', '2')],
      timed: { ...restic(place.fresh, 'backup', '--compression', 'auto', '.'), cwd: place.lake },
      stored: path.join(place.fresh, 'repo'),
    }),
    verify: (place) => ({ timed: restic(place.store, 'check', '--read-data') }),
    unpack: (place) => ({
      timed: restic(place.store, 'restore', 'latest', '--target', restoredIn(place)),
      restored: restoredIn(place),
    }),
  },
};

export const BORG: Contender = {
  name: 'borg',
  does: {
    pack: '`borg create --compression zstd,3` into a new repository: chunked, hashed, not encrypted, fsync',
    verify: '`borg check --verify-data`',
    unpack: '`borg extract`: hashes of chunks checked',
  },
  programs: ['borg'],
  attempts: {
    pack: (place) => ({
      before: [borg(place.fresh, 'init', '--encryption', 'none')],
      timed: { ...borg(place.fresh, 'create', '--compression', 'zstd,3', '::lake', '.'), cwd: place.lake },
      stored: path.join(place.fresh, 'repo'),
    }),
    verify: (place) => ({ timed: borg(place.store, 'check', '--verify-data') }),
    unpack: (place) => ({
      before: [{ argv: ['mkdir', restoredIn(place)] }],
      timed: { ...borg(place.store, 'extract', '::lake'), cwd: restoredIn(place) },
      restored: restoredIn(place),
    }),
  },
};

function restic(store: string, ...words: string[]): Command {
  return {
    argv: ['restic', '--quiet', ...words],
    env: {
      RESTIC_REPOSITORY: path.join(store, 'repo'),
      RESTIC_CACHE_DIR: path.join(store, 'cache'),
      RESTIC_PASSWORD: PASSWORD,
    },
  };
}

function borg(store: string, ...words: string[]): Command {
  return {
    argv: ['borg', ...words],
    env: {
      BORG_REPO: path.join(store, 'repo'),
      BORG_BASE_DIR: path.join(store, 'base'),
      BORG_PASSPHRASE: PASSWORD,
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
    },
  };
}

function restoredIn(place: Place): string {
  return path.join(place.fresh, 'lake');
}
