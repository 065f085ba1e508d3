/**
 * The programs that tests like to have beside Node, and how a Debian machine gets them. Nothing here can fail a
 * test run: what cannot be installed is said, and the tests that need it skip themselves.
 */
import process from 'node:process';
import { findProgram, run } from './child.mjs';
import { isSet } from './prepare.mjs';

/**
 * `packages` are alternatives, the better one first; an alternative may be several packages that only work together.
 * `also` are programs that belong to them: one that is missing makes the whole missing.
 */
export const PROGRAMS = [
  { program: 'tar', packages: ['tar'], reason: 'restores bundles without lakepack: GNU tar' },
  { program: 'sha256sum', packages: ['coreutils'], reason: 'checks bags and SHA256SUMS without lakepack' },
  { program: 'zstd', packages: ['zstd'], reason: 'the other decoder: reads every frame that we write' },
  { program: 'bsdtar', packages: ['libarchive-tools'], reason: 'restores bundles without lakepack: libarchive' },
  {
    program: 'busybox',
    packages: ['busybox-static', 'busybox'],
    reason: 'restores bundles without lakepack: a rescue system',
  },
  { program: 'python3', packages: ['python3'], reason: 'a tar reader and a SHA-256 that share no code with us' },
  { program: 'openssl', packages: ['openssl'], reason: 'certificates for test servers that speak https' },
  {
    program: 'radosgw',
    also: ['radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool'],
    packages: [['radosgw', 'ceph-mon', 'ceph-osd']],
    reason: 'the S3 server that the tests of remotes start: Ceph, 61 MB to fetch',
  },
  {
    // Debian keeps the server's own programs outside of the PATH; this one belongs to every server and to no client.
    program: 'pg_ctlcluster',
    packages: ['postgresql'],
    reason: 'the PostgreSQL server that the tests of stores start',
  },
  { program: 'rclone', packages: ['rclone'], reason: 'copies archives without lakepack' },
  { program: 'aws', packages: ['awscli'], reason: 'copies archives without lakepack: the AWS command line' },
];

const APT_OPTIONS = [
  '-qq',
  '-o',
  'Acquire::Retries=1',
  '-o',
  'Acquire::http::Timeout=20',
  '-o',
  'DPkg::Lock::Timeout=30',
];
const APT_TIMEOUT_MS = 180_000;
/** No installation is begun later than this: tests that run without some programs are better than a wait for all. */
const INSTALL_BUDGET_MS = 240_000;

/** Installs what is missing, where that is possible and allowed. Returns the programs that are still missing. */
export async function ensurePrograms(say) {
  const missing = missingPrograms();
  if (missing.length === 0) {
    say('tools', `${PROGRAMS.map(({ program }) => program).join(', ')}: all here`);
    return [];
  }
  const refusal = await aptRefusal();
  if (refusal === undefined) await install(missing, say);
  const still = missingPrograms();
  for (const { program, packages, reason } of still) {
    const wanted = packages.map((names) => [names].flat().join(' + ')).join(' or ');
    say('tools', `no ${program} (${reason}): its tests are skipped; Debian package ${wanted}`);
  }
  if (still.length > 0 && refusal !== undefined) say('tools', `not installed, because ${refusal}`);
  return still;
}

function missingPrograms() {
  return PROGRAMS.filter(({ program, also = [] }) =>
    [program, ...also].some((name) => findProgram(name) === undefined),
  );
}

/** Why apt-get is not used on this machine, or undefined when it may be. */
async function aptRefusal() {
  const forbidding = ['LAKEPACK_NO_INSTALL', 'LAKEPACK_NO_APT'].find(isSet);
  if (forbidding !== undefined) return `${forbidding} is set`;
  if (findProgram('apt-get') === undefined) return 'this machine has no apt-get';
  if (isRoot()) return undefined;
  if (findProgram('sudo') === undefined) return 'this is not root, and there is no sudo';
  const { status } = await quietly('sudo', ['-n', 'true']);
  return status === 0 ? undefined : 'this is not root, and sudo asks for a password';
}

async function install(missing, say) {
  const startedAt = Date.now();
  say(
    'tools',
    `apt-get update, for ${missing.map(({ program }) => program).join(', ')} (LAKEPACK_NO_APT=1 forbids it) …`,
  );
  const update = await apt(['update']);
  if (update !== 0)
    say('tools', `apt-get update failed (status ${update}): trying with the package lists that are here`);
  for (const { program, packages, reason } of missing) {
    if (Date.now() - startedAt > INSTALL_BUDGET_MS) {
      say('tools', `${program} is left out: installing took more than ${INSTALL_BUDGET_MS / 60_000} minutes already`);
      continue;
    }
    say('tools', (await installOne(packages)) ?? `installed ${program}: ${reason}`);
  }
}

/** Installs the first alternative that can be; says why when none could. */
async function installOne(packages) {
  const faults = [];
  for (const alternative of packages) {
    const names = [alternative].flat();
    // --no-remove: a package may stand in the way of one that somebody chose to have.
    const status = await apt(['install', '-y', '--no-remove', '--no-install-recommends', ...names]);
    if (status === 0) return undefined;
    faults.push(`apt-get install ${names.join(' ')} failed (status ${status})`);
  }
  return faults.join(', ');
}

async function apt(args) {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...APT_OPTIONS, ...args];
  const [program, ...rest] = isRoot() ? command : ['sudo', '-n', ...command];
  return (await quietly(program, rest)).status;
}

async function quietly(program, args) {
  try {
    return await run(program, args, { onLine: () => undefined, timeoutMs: APT_TIMEOUT_MS });
  } catch {
    // A program that does not start is one more that is not here; 127 is the shell's word for it.
    return { status: 127, seconds: 0 };
  }
}

function isRoot() {
  return process.getuid?.() === 0;
}
