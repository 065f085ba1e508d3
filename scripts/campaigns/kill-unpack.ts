/**
 * Kills `lakepack import unpack` at random moments, and asks each time: is every file under a final name right, is
 * what was there still there, and does the same command finish? It restores into a new folder, into a lake that has
 * some of the files, and into one whose files differ and are to be replaced.
 *
 *     npx tsx scripts/campaigns/kill-unpack.ts [--rounds 200] [--seed 1] [--lake DIR] [SIGKILL | SIGINT]
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeLake } from '../../fixtures/make-lake.js';
import { pack } from '../../src/index.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell } from './campaign.js';
import { LATEST, type KillOptions } from './kill-pack.js';
import { differences, filesOf } from './looks.js';
import { programWords, runProgram, type Ended, type Program } from './program.js';

export interface KillUnpackReport {
  readonly rounds: number;
  readonly killed: number;
  /** Of those, how many had published a part, and how many had staged files that the next run took over. */
  readonly partlyPublished: number;
  readonly resumed: number;
  readonly killedAgain: number;
  readonly typicalMs: number;
  readonly faults: readonly string[];
}

const MODES = ['new', 'merge', 'replace'] as const;
type Mode = (typeof MODES)[number];
const isOwn = (name: string): boolean => name === '.lakepack' || name.startsWith('.lakepack/');
const isData = (name: string): boolean => !isOwn(name);

export async function killUnpack(options: KillOptions): Promise<KillUnpackReport> {
  return await inScratch(async (folder) => new UnpackKiller(options, folder).run());
}

class UnpackKiller {
  readonly #options: KillOptions;
  readonly #folder: string;
  readonly #archive: string;
  readonly #words: readonly string[];
  readonly #counts = { killed: 0, partlyPublished: 0, resumed: 0, killedAgain: 0 };
  readonly #faults: string[] = [];
  #typicalMs = 0;
  #expected: ReadonlyMap<string, string> = new Map();

  constructor(options: KillOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#words = programWords(folder);
    this.#archive = path.join(folder, 'archive');
  }

  async run(): Promise<KillUnpackReport> {
    const { rounds, lake, scale } = this.#options;
    const source = path.join(this.#folder, 'lake');
    if (lake === undefined) await makeLake(source, { scale });
    await pack({ lake: lake ?? source, to: this.#archive, stateDir: path.join(this.#folder, 'state'), by: 'dataset' });
    await this.#learn();
    for (let round = 0; round < rounds; round += 1) await this.#round(round);
    return { rounds, ...this.#counts, typicalMs: Math.round(this.#typicalMs), faults: this.#faults };
  }

  async #learn(): Promise<void> {
    for (const name of ['first', 'second'].slice(this.#options.rounds < 10 ? 1 : 0)) {
      // Long campaigns warm up: the first run of a program is slower.
      const ended = await this.#unpack('new', path.join(this.#folder, name));
      if (ended.code !== 0) throw new Error(`the undisturbed run failed: ${ended.stderr}`);
      this.#typicalMs = ended.ms;
    }
    this.#expected = filesOf(path.join(this.#folder, 'second'));
  }

  #unpack(mode: Mode, into: string, killAfterMs?: number): Promise<Ended> {
    const program: Program = { words: this.#words, env: { TMPDIR: this.#temporary() } };
    const kill = killAfterMs === undefined ? undefined : { signal: this.#options.signal, afterMs: killAfterMs };
    const flags = mode === 'replace' ? ['--replace', '--json'] : ['--json'];
    return runProgram(program, ['import', 'unpack', '--all', '--from', this.#archive, '--into', into, ...flags], kill);
  }

  #temporary(): string {
    const folder = path.join(this.#folder, 'tmp');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async #round(round: number): Promise<void> {
    const random = randomOfRound(this.#options.seed, round);
    const mode = MODES[Math.floor(random() * MODES.length)] ?? 'new';
    const into = path.join(this.#folder, 'rounds', `${round}`);
    const there = this.#prepare(mode, into, random);
    try {
      const first = await this.#unpack(mode, into, this.#moment(random));
      if (first.signal !== undefined || first.code === 130) {
        this.#counts.killed += 1;
        this.#lookAfterKill(round, mode, into, there);
      } else if (first.code !== 0) this.#fault(round, mode, `ended with ${first.code}: ${first.stderr}`);
      if (random() < 0.25) {
        const again = await this.#unpack(mode, into, this.#moment(random));
        if (again.signal !== undefined || again.code === 130) {
          this.#counts.killedAgain += 1;
          this.#lookAfterKill(round, mode, into, there);
        }
      }
      await this.#finish(round, mode, into, there);
    } finally {
      rmSync(path.dirname(into), { recursive: true, force: true });
      rmSync(path.join(this.#folder, 'tmp'), { recursive: true, force: true });
    }
  }

  /** Puts a part of the files into the target, some of them different, and files of somebody else. */
  #prepare(mode: Mode, into: string, random: () => number): ReadonlyMap<string, string> {
    mkdirSync(path.dirname(into), { recursive: true });
    if (mode === 'new') return new Map();
    const source = path.join(this.#folder, 'second');
    for (const name of this.#expected.keys()) {
      if (random() < 0.6) continue;
      const disk = path.join(into, name);
      mkdirSync(path.dirname(disk), { recursive: true });
      cpSync(path.join(source, name), disk, { preserveTimestamps: true });
      if (mode === 'merge' || random() < 0.5) continue;
      writeFileSync(disk, `other content of ${name}`);
      utimesSync(disk, 1_700_000_000, 1_700_000_000);
    }
    mkdirSync(path.join(into, 'silver/others'), { recursive: true });
    writeFileSync(path.join(into, 'silver/others/keep.txt'), 'mine\n');
    return filesOf(into);
  }

  #moment(random: () => number): number {
    const from = random() < 0.1 ? 0 : 0.35;
    return this.#typicalMs * (from + random() * (LATEST - from));
  }

  /** Every file under a final name is the one that was there or the one to be restored, and none is gone. */
  #lookAfterKill(round: number, mode: Mode, into: string, there: ReadonlyMap<string, string>): void {
    if (mode === 'new') {
      if (!existsSync(into)) return;
      for (const one of differences(this.#expected, filesOf(into))) this.#fault(round, mode, `half a restore: ${one}`);
      return;
    }
    const found = filesOf(into, isData);
    for (const [name, facts] of found) {
      if (facts !== there.get(name) && facts !== this.#expected.get(name)) {
        this.#fault(round, mode, `${name} is neither old nor new: ${facts}`);
      }
    }
    for (const name of there.keys()) if (!found.has(name)) this.#fault(round, mode, `${name} is gone`);
    const isDifferent = (name: string): boolean => found.get(name) !== there.get(name);
    const changed = [...found.keys()].filter(isDifferent).length;
    if (changed > 0) this.#counts.partlyPublished += 1;
  }

  async #finish(round: number, mode: Mode, into: string, there: ReadonlyMap<string, string>): Promise<void> {
    const ended = await this.#unpack(mode, into);
    if (ended.code !== 0) {
      this.#fault(round, mode, `the same command ended with ${ended.code}: ${ended.stderr}`);
      return;
    }
    const { totals } = JSON.parse(ended.stdout) as { totals: { resumed: number } };
    if (totals.resumed > 0) this.#counts.resumed += 1;
    const all = new Map([...there, ...this.#expected]);
    for (const one of differences(all, filesOf(into)))
      this.#fault(round, mode, `not what an undisturbed run gives: ${one}`);
    const beside = readdirSync(path.dirname(into)).filter((name) => name !== path.basename(into));
    if (beside.length > 0) this.#fault(round, mode, `left beside the target: ${beside.join(', ')}`);
    if (existsSync(path.join(into, '.lakepack'))) this.#fault(round, mode, 'left its staging folder');
  }

  #fault(round: number, mode: Mode, text: string): void {
    this.#faults.push(`round ${round} (${mode}) of seed ${this.#options.seed}: ${text}`);
  }
}

if (isMain(import.meta.url)) {
  const { rounds, seed, lake, words } = campaignArguments(200);
  const report = await killUnpack({
    rounds,
    seed,
    lake,
    scale: 12,
    signal: words[0] === 'SIGINT' ? 'SIGINT' : 'SIGKILL',
  });
  tell(report, report.faults);
}
