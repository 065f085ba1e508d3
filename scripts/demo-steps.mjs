/**
 * The steps of the demo, in order. A step has a title, the reason for it in a sentence or two, and `run`, which
 * shows and runs its commands and returns what came of it in a few words. To add one, add it to the array.
 */
import { cpSync, mkdirSync, openSync, closeSync, readSync, writeSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Buffer } from 'node:buffer';
import { findProgram } from './child.mjs';
import { compareTrees, filesBelow } from './demo-trees.mjs';
import { count, projectFolder } from './prepare.mjs';

export const DEMO_FOLDER = '.demo';

const LAKE = `${DEMO_FOLDER}/lake`;
const ARCHIVE = `${DEMO_FOLDER}/archive`;
const RESTORED = `${DEMO_FOLDER}/restored`;
const BY_HAND = `${DEMO_FOLDER}/by-hand`;
const DAMAGED = `${DEMO_FOLDER}/damaged-archive`;
const OFFSITE = `${DEMO_FOLDER}/offsite`;
const PULLED = `${DEMO_FOLDER}/pulled`;
const HEALED = `${DEMO_FOLDER}/healed`;
const REPORT = `${DEMO_FOLDER}/report`;
const TOOLS = `${DEMO_FOLDER}/tools`;

const FINDINGS_EXIT_CODE = 3;

export const steps = [
  {
    title: 'Make a small lake',
    why:
      'A lake is a folder: layers (bronze, silver, gold), in them datasets, in them partitions. This one is made by a ' +
      'generator, always with the same bytes: collection runs in JSON.gz, Parquet, CSV, embeddings, odd names.',
    run: makeLake,
  },
  {
    title: 'See what lakepack finds in it',
    why: 'A partition is the unit that is packed. Nobody has to list them: they are recognized by their folders.',
    run: listLake,
  },
  {
    title: 'Say which databases are derived from it',
    why:
      'The files are the truth; databases and indexes are made from them and must be rebuildable. A recipe says how: tables, ' +
      'keys, vectors. This one is written by looking at the lake, and it is packed with it.',
    run: recipe,
  },
  {
    title: 'Pack every partition',
    why:
      'Each partition becomes an export: one or more .tar.zst bundles and a JSON manifest that knows the SHA-256 of every ' +
      'file. The manifest is written last, so an export is there completely or not at all. The archive that receives them ' +
      'is another folder here; it could be the lake itself. With --fingerprint the manifests also say what the tables must contain.',
    run: pack,
  },
  {
    title: 'Verify the archive down to the contents',
    why: 'Every bundle is read again, decompressed, and every file in it compared with the SHA-256 in its manifest.',
    run: verify,
  },
  {
    title: 'Push the archive to a second place',
    why:
      'Two copies in two places. Here the second is another folder; with a key in the environment it could be `r2:`, `b2:`, ' +
      '`s3://bucket` or any S3-compatible store. A manifest is written only when everything it names is there and proven.',
    run: push,
  },
  {
    title: 'Pull it back from there',
    why: 'As onto a new machine. Every block is compared with its SHA-256 on its way, and gets its name at the end.',
    run: pull,
  },
  {
    title: 'Restore the lake into an empty folder',
    why: 'No network and no original lake are needed. A file gets its final name only after its bytes have been compared.',
    run: unpack,
  },
  {
    title: 'Compare the restored lake with the original',
    why: 'Not lakepack but `diff` is the judge here; afterwards the times of the files are compared, to the second.',
    run: compare,
  },
  {
    title: 'Restore it again, without lakepack',
    why:
      'Should lakepack and Node be gone in twenty years: tar, zstd and sha256sum are enough. The commands below run with a ' +
      'PATH that holds nothing but the programs they name, so there is no `node` in it.',
    run: restoreByHand,
  },
  {
    title: 'Pack again',
    why: 'Nothing in the lake has changed since, so nothing must be written, and it should say so fast.',
    run: packAgain,
  },
  {
    title: 'Flip one bit in a copy of the archive',
    why:
      'Disks and networks do this without a word. In a copy of the archive one bit of one bundle is turned over; verify must ' +
      `find it, say where it is, and end with exit code ${FINDINGS_EXIT_CODE}.`,
    run: damage,
  },
  {
    title: 'Restore from the damaged copy, with the second place to fall back on',
    why: 'The block that is damaged is taken from the next archive that has it, and what was healed is said.',
    run: heal,
  },
  {
    title: 'Drill: rebuild the database from the second place, and compare it row by row',
    why:
      'A backup that was never restored is a hope. A drill restores into a scratch folder, rebuilds the database of the recipe, ' +
      'reads every row back from it, compares rows, keys, cells and vectors with what was written down when the lake was packed, ' +
      'measures the time, and leaves evidence in the archive. No live database is touched.',
    run: drill,
  },
  {
    title: 'Ask when each partition was last proven',
    why: 'For cron: the exit code says whether anything was not restored within the last thirty days.',
    run: status,
  },
];

async function makeLake({ tsx, fail }) {
  await tsx(['fixtures/make-lake.ts', LAKE]);
  const files = filesBelow(inProject(LAKE));
  if (files.length === 0) fail('the generator made no files');
  return `${count(files.length, 'file')}, ${count(sum(files), 'byte')}`;
}

async function listLake({ lakepack }) {
  await lakepack(['lake', 'list', LAKE]);
  return 'found its partitions';
}

async function recipe({ lakepack }) {
  await lakepack(['recipe', 'init', LAKE]);
  return `written to ${LAKE}/lakepack.recipe.json`;
}

async function pack({ lakepack, say, list, fail }) {
  await lakepack(['export', 'pack', LAKE, '--to', ARCHIVE, '--fingerprint']);
  const files = filesBelow(inProject(ARCHIVE));
  const exported = files.filter(({ name }) => name.endsWith('.export.json'));
  const bundles = files.filter(({ name }) => name.endsWith('.tar.zst'));
  if (bundles.length === 0 || exported.length === 0) fail(`${ARCHIVE} holds no export`);
  const [first] = exported;
  const id = path.basename(first.name, '.export.json');
  say(`These are the objects of one of its exports, ${id}:`);
  const objects = files.filter(({ name }) => name.includes(id));
  list(objects.map(({ name, bytes }) => `${ARCHIVE}/${name} (${count(bytes, 'byte')})`));
  return `${count(exported.length, 'export')}, ${count(bundles.length, 'bundle')} of ${count(sum(bundles), 'byte')}`;
}

async function verify({ lakepack }) {
  await lakepack(['verify', '--archive', ARCHIVE, '--depth', 'contents']);
  return 'no findings';
}

async function push({ lakepack }) {
  await lakepack(['export', 'push', ARCHIVE, '--to', OFFSITE]);
  return `a second copy is in ${OFFSITE}/`;
}

async function pull({ lakepack, program, fail }) {
  await lakepack(['import', 'pull', '--from', OFFSITE, '--to', PULLED]);
  if (findProgram('diff') !== undefined) await program(['diff', '-r', ARCHIVE, PULLED]);
  const names = (folder) => JSON.stringify(filesBelow(inProject(folder)).map(({ name, bytes }) => [name, bytes]));
  if (names(ARCHIVE) !== names(PULLED)) fail(`${PULLED} is not what ${ARCHIVE} is`);
  return 'the same archive, object for object';
}

async function unpack({ lakepack }) {
  await lakepack(['import', 'unpack', '--all', '--from', ARCHIVE, '--into', RESTORED]);
  return `the lake is in ${RESTORED}/`;
}

async function compare({ program, say, fail }) {
  if (findProgram('diff') !== undefined) await program(['diff', '-r', LAKE, RESTORED]);
  const { faults, files, bytes } = compareTrees(inProject(LAKE), inProject(RESTORED));
  if (faults.length > 0) fail(`${RESTORED} differs from ${LAKE}: ${faults.slice(0, 5).join('; ')}`);
  say(`Names, contents and times of ${count(files, 'file')} (${count(bytes, 'byte')}) are the same on both sides.`);
  return 'no difference';
}

async function restoreByHand({ program, say, fail }) {
  const needed = ['sh', 'find', 'mkdir', 'cp', 'tar', 'zstd', 'sha256sum'];
  const missing = needed.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) {
    say(`Skipped: this machine has no ${missing.join(', ')}. On Debian: apt-get install zstd.`);
    return `skipped, no ${missing.join(', ')}`;
  }
  const env = { PATH: toolFolder(needed), LC_ALL: 'C.UTF-8' };
  for (const script of stockRestoreScripts()) {
    await program([path.join(env.PATH, 'sh'), '-c', script], { env, shown: script, mostLines: 12 });
  }
  const { faults } = compareTrees(inProject(LAKE), inProject(`${BY_HAND}/lake`));
  if (faults.length > 0) fail(`${BY_HAND}/lake differs from ${LAKE}: ${faults.slice(0, 5).join('; ')}`);
  say(`${BY_HAND}/lake is the same as ${LAKE} too, file times included.`);
  return 'the same lake, by tar, zstd and sha256sum alone';
}

/** The commands of RESTORE.md, for all bundles of an archive at once. */
function stockRestoreScripts() {
  return [
    `command -v node || echo 'no node here'`,
    [
      `find ${ARCHIVE}/exports -name SHA256SUMS -exec sh -c '`,
      `  for sums do (cd "\${sums%/*}" && sha256sum -c SHA256SUMS) || exit 1; done' sh {} +`,
    ].join('\n'),
    [
      `mkdir -p ${BY_HAND}/bags ${BY_HAND}/lake`,
      `find ${ARCHIVE}/exports -name '*.tar.zst' -exec sh -c '`,
      `  for bundle do zstd -dcq "$bundle" | tar -xf - -C ${BY_HAND}/bags || exit 1; done' sh {} +`,
    ].join('\n'),
    [
      `for bag in ${BY_HAND}/bags/*/; do`,
      // BagIt writes % as %25; such a bag brings a second list, in the form sha256sum reads (docs/format.md 4.5).
      `  sums=manifest-sha256.txt`,
      `  if [ -f "$bag/lakepack/sha256sums.txt" ]; then sums=lakepack/sha256sums.txt; fi`,
      // A bag of nothing but an empty folder has an empty list, which sha256sum takes for a fault.
      `  if [ -s "$bag/$sums" ]; then (cd "$bag" && sha256sum -c "$sums") || exit 1; fi`,
      `  cp -pR "$bag/data/." ${BY_HAND}/lake/`,
      `done`,
    ].join('\n'),
  ];
}

async function packAgain({ lakepack, fail }) {
  const before = JSON.stringify(filesBelow(inProject(ARCHIVE)));
  const { seconds } = await lakepack(['export', 'pack', LAKE, '--to', ARCHIVE, '--fingerprint']);
  if (JSON.stringify(filesBelow(inProject(ARCHIVE))) !== before) fail('the second pack changed the archive');
  return `nothing to do, said in ${seconds.toFixed(1)} s`;
}

async function damage({ lakepack, say, fail }) {
  cpSync(inProject(ARCHIVE), inProject(DAMAGED), { recursive: true, preserveTimestamps: true });
  const bundles = filesBelow(inProject(DAMAGED)).filter(({ name }) => name.endsWith('.tar.zst'));
  const largest = bundles.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const offset = flipBit(path.join(inProject(DAMAGED), largest.name));
  say(`Turned over: one bit of byte ${offset.toLocaleString('en-US')} of ${largest.name}.`);
  const args = ['verify', '--archive', DAMAGED, '--depth', 'contents'];
  const { lines } = await lakepack(args, { expectStatus: FINDINGS_EXIT_CODE });
  if (!lines.some((line) => line.includes(path.basename(largest.name)))) fail('verify did not name the damaged bundle');
  return 'found, and the bundle named';
}

async function heal({ lakepack, fail }) {
  const args = ['import', 'unpack', '--all', '--from', DAMAGED, '--fallback', OFFSITE, '--into', HEALED];
  const { lines } = await lakepack(args);
  if (!lines.some((line) => line.includes('healed'))) fail('unpack did not say what it healed');
  const { faults } = compareTrees(inProject(LAKE), inProject(HEALED));
  if (faults.length > 0) fail(`${HEALED} differs from ${LAKE}: ${faults.slice(0, 5).join('; ')}`);
  return 'the same lake, and the damaged block is named';
}

async function drill({ lakepack, say, fail }) {
  const { lines } = await lakepack(['drill', 'run', '--all', '--from', OFFSITE, '--report', REPORT]);
  if (!lines.some((line) => line.startsWith('pass'))) fail('the drill did not say that it passed');
  const page = filesBelow(inProject(REPORT)).find(({ name }) => name.endsWith('.html'));
  if (page === undefined) fail('the drill wrote no page');
  say(`The page to show an auditor: ${REPORT}/${page.name}`);
  return 'restored, rebuilt, every row equal';
}

async function status({ lakepack }) {
  await lakepack(['status', '--from', OFFSITE, '--from', ARCHIVE, '--max-age', '30d']);
  return 'every partition proven, in two places';
}

function flipBit(file) {
  const offset = Math.floor(statSync(file).size / 2);
  const descriptor = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(descriptor, byte, 0, 1, offset);
    byte[0] ^= 1;
    writeSync(descriptor, byte, 0, 1, offset);
  } finally {
    closeSync(descriptor);
  }
  return offset;
}

/** A folder with links to these programs and nothing else: as a PATH, it proves that nothing else was needed. */
function toolFolder(names) {
  const folder = inProject(TOOLS);
  mkdirSync(folder, { recursive: true });
  for (const name of names) symlinkSync(findProgram(name), path.join(folder, name));
  return folder;
}

function inProject(relative) {
  return path.join(projectFolder, relative);
}

function sum(files) {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
