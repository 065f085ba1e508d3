/**
 * Packs one lake in many ways that must not show: concurrency 1 and 8, another listing order (a copy that was made
 * backwards), another place, working folder, umask, time zone and language. All bundles must be the same bytes.
 *
 *     npx tsx scripts/campaigns/determinism.ts [--lake LAKE] [partition | dataset]
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, lstatSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { makeLake } from '../../fixtures/make-lake.js';
import { campaignArguments, inScratch, isMain, tell } from './campaign.js';
import { lookAtArchive } from './looks.js';
import { programWords, runProgram } from './program.js';

export interface DeterminismReport {
  readonly bundles: number;
  /** Each way, and how many bundles were other bytes. */
  readonly ways: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

interface Way {
  readonly name: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly copied?: boolean;
  readonly umask?: string;
}

const WAYS: readonly Way[] = [
  { name: 'concurrency 1', flags: ['--concurrency', '1'] },
  { name: 'concurrency 8', flags: ['--concurrency', '8'] },
  { name: 'a copy of the lake, made backwards', copied: true },
  { name: 'time zone and language', env: { TZ: 'Pacific/Kiritimati', LC_ALL: 'C', LANG: 'tr_TR.UTF-8' } },
  { name: 'umask 077', umask: '077' },
  { name: 'a small thread pool', env: { UV_THREADPOOL_SIZE: '1' }, flags: ['--concurrency', '8'] },
];

export async function compareWays(options: { lake?: string | undefined; by: string }): Promise<DeterminismReport> {
  return await inScratch(async (folder) => {
    const lake = options.lake ?? path.join(folder, 'lake');
    if (options.lake === undefined) await makeLake(lake);
    const words = programWords(folder);
    const expected = await packOneWay(folder, words, lake, options.by, { name: 'plain' });
    const ways: Record<string, number> = {};
    for (const way of WAYS) {
      const found = await packOneWay(folder, words, lake, options.by, way);
      ways[way.name] =
        expected.filter((one) => !found.includes(one)).length + Math.max(0, found.length - expected.length);
    }
    const faults = Object.entries(ways).flatMap(([name, count]) =>
      count === 0 ? [] : [`${name}: ${count} bundles differ`],
    );
    return { bundles: expected.length, ways, faults };
  });
}

async function packOneWay(
  folder: string,
  program: readonly string[],
  lake: string,
  by: string,
  way: Way,
): Promise<readonly string[]> {
  const id = way.name.replaceAll(/\W+/g, '-');
  const from = way.copied === true ? path.join(folder, `copy-${id}`) : lake;
  if (way.copied === true) copyBackwards(lake, from);
  const archive = path.join(folder, `archive-${id}`);
  const env = { ...way.env, LAKEPACK_STATE_DIR: path.join(folder, `state-${id}`), TMPDIR: folder };
  const args = ['export', 'pack', from, '--to', archive, '--by', by, '--quiet', ...(way.flags ?? [])];
  if (way.umask === undefined) {
    const ended = await runProgram({ words: program, env }, args);
    // Findings of the lake itself (exit code 3) are not what is asked here.
    if (ended.code !== 0 && ended.code !== 3) throw new Error(`${way.name}: ${ended.stderr}`);
  } else {
    const script = `umask ${way.umask}; exec "$0" "$@"`;
    const words = ['-c', script, process.execPath, ...program, ...args];
    execFileSync('sh', words, {
      cwd: '/',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
  return lookAtArchive(archive).bundles;
}

/** Names in falling order, so that the disk lists them in another one; times to the nanosecond do not survive. */
function copyBackwards(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const item of readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? 1 : -1))) {
    const [source, target] = [path.join(from, item.name), path.join(to, item.name)];
    if (item.isDirectory()) copyBackwards(source, target);
    else if (item.isFile()) {
      const stats = lstatSync(source);
      copyFileSync(source, target);
      chmodSync(target, stats.mode & 0o777);
      utimesSync(target, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    }
  }
  const stats = lstatSync(from);
  utimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}

if (isMain(import.meta.url)) {
  const { lake, words } = campaignArguments(1);
  const report = await compareWays({ lake, by: words[0] ?? 'partition' });
  tell(report, report.faults);
}
