/**
 * Measures the peak RSS of packing, verifying and unpacking one file of 2 GiB (every other MiB of it compresses), and
 * 100,000 tiny files in one export and in a hundred. Each command is a process of its own. The bound is 300 MiB.
 * It needs about 6 GB in the temporary folder.
 *
 *     npx tsx scripts/campaigns/memory.ts [large] [tiny]
 */
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { campaignArguments, inScratch, tell } from './campaign.js';
import { programWords, runProgram } from './program.js';

const MIB = 1024 * 1024;
const BOUND_MIB = 300;
const LARGE_MIB = 2048;
const TINY_FOLDERS = 100;
const TINY_FILES = 1_000;
const MTIME = 1_760_000_000;

interface Measured {
  readonly what: string;
  readonly peakMib: number;
  readonly seconds: number;
}

const measured: Measured[] = [];
const { words } = campaignArguments(1);
if (words.length === 0 || words.includes('large')) await inScratch(measureLarge);
if (words.length === 0 || words.includes('tiny')) await inScratch(measureTiny);
const over = measured.filter(({ peakMib }) => peakMib > BOUND_MIB);
tell(
  { boundMib: BOUND_MIB, measured },
  over.map(({ what, peakMib }) => `${what}: ${peakMib} MiB`),
);

async function measureLarge(folder: string): Promise<void> {
  makeLargeFile(path.join(folder, 'lake/silver/large/dt=2025-10-11'));
  await packVerifyUnpack(folder, 'one file of 2 GiB', []);
}

async function measureTiny(folder: string): Promise<void> {
  makeTinyFiles(path.join(folder, 'lake/silver/tiny'));
  await packVerifyUnpack(folder, '100,000 tiny files in one export', ['--by', 'dataset']);
  rmSync(path.join(folder, 'out'), { recursive: true });
  rmSync(path.join(folder, 'archive'), { recursive: true });
  await packVerifyUnpack(folder, '100,000 tiny files in 100 exports', []);
}

async function packVerifyUnpack(folder: string, what: string, flags: readonly string[]): Promise<void> {
  const [lake, archive, out] = ['lake', 'archive', 'out'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  await measure(folder, `pack ${what}`, ['export', 'pack', lake, '--to', archive, ...flags]);
  await measure(folder, `pack again ${what}`, ['export', 'pack', lake, '--to', archive, ...flags]);
  await measure(folder, `verify ${what}`, ['verify', '--archive', archive]);
  await measure(folder, `unpack ${what}`, ['import', 'unpack', '--all', '--from', archive, '--into', out]);
  await measure(folder, `unpack again ${what}`, ['import', 'unpack', '--all', '--from', archive, '--into', out]);
}

async function measure(folder: string, what: string, args: readonly string[]): Promise<void> {
  const rssFile = path.join(folder, 'rss');
  const env = { LAKEPACK_STATE_DIR: path.join(folder, 'state'), LAKEPACK_RSS_FILE: rssFile, TMPDIR: folder };
  const reporter = path.join(import.meta.dirname, 'report-rss.mjs');
  const ended = await runProgram({ words: ['--import', reporter, ...programWords(folder)], env }, [...args, '--quiet']);
  if (ended.code !== 0) throw new Error(`${what}: ended with ${ended.code}: ${ended.stderr}`);
  const peakMib = Math.round(Number(readFileSync(rssFile, 'utf8')) / 1024);
  measured.push({ what, peakMib, seconds: Math.round(ended.ms / 100) / 10 });
  console.error(`${what}: ${peakMib} MiB in ${(ended.ms / 1000).toFixed(1)} s`);
}

/** Written to the disk block by block: nothing of it is sparse. */
function makeLargeFile(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'large.bin');
  const fd = openSync(file, 'wx');
  const zeros = Buffer.alloc(MIB);
  const key = createHash('sha256').update('lakepack').digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let block = 0; block < LARGE_MIB; block += 1) {
    writeSync(fd, block % 2 === 0 ? stream.update(zeros) : Buffer.alloc(MIB, `row ${block}, the quick brown fox\n`));
  }
  closeSync(fd);
  utimesSync(file, MTIME, MTIME);
}

function makeTinyFiles(dataset: string): void {
  for (let folder = 0; folder < TINY_FOLDERS; folder += 1) {
    const partition = path.join(dataset, `part=${String(folder).padStart(3, '0')}`);
    mkdirSync(partition, { recursive: true });
    for (let file = 0; file < TINY_FILES; file += 1) {
      const id = folder * TINY_FILES + file;
      const text = JSON.stringify({
        id,
        hash: createHash('sha256').update(`${id}`).digest('hex'),
        text: 'x'.repeat(id % 200),
      });
      const disk = path.join(partition, `${id}.json`);
      writeFileSync(disk, text);
      utimesSync(disk, MTIME, MTIME);
    }
  }
}
