/**
 * Kills `lakepack export pack` at random moments, and asks each time: is nothing half visible, and does the same
 * command finish as if nothing had happened? Half of the rounds pack into the lake itself.
 *
 *     npx tsx scripts/campaigns/kill-pack.ts [--rounds 200] [--seed 1] [--lake DIR] [SIGKILL | SIGINT]
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeLake } from '../../fixtures/make-lake.js';
import { verify } from '../../src/index.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell } from './campaign.js';
import { lookAtArchive, treeOf } from './looks.js';
import { programWords, runProgram, type Ended, type Program } from './program.js';

/** A run beside others takes longer than the one that was measured; beyond that most would be done. */
export const LATEST = 1.25;

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly lake?: string | undefined;
  /** Of the generator's lake. */
  readonly scale: number;
  readonly signal: 'SIGKILL' | 'SIGINT';
}

export interface KillReport {
  readonly rounds: number;
  /** Runs that were ended by the signal before they were done. */
  readonly killed: number;
  /** Of those, how many had committed some exports, and how many had left bundles that no manifest named. */
  readonly partlyCommitted: number;
  readonly withStrays: number;
  /** Repeated runs that were killed as well. */
  readonly killedAgain: number;
  readonly typicalMs: number;
  readonly faults: readonly string[];
}

export async function killPack(options: KillOptions): Promise<KillReport> {
  return await inScratch(async (folder) => new PackKiller(options, folder).run());
}

class PackKiller {
  readonly #options: KillOptions;
  readonly #folder: string;
  readonly #lake: string;
  readonly #words: readonly string[];
  readonly #counts = { killed: 0, partlyCommitted: 0, withStrays: 0, killedAgain: 0 };
  readonly #faults: string[] = [];
  #typicalMs = 0;
  #expected: readonly string[] = [];

  constructor(options: KillOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#words = programWords(folder);
    this.#lake = path.join(folder, 'lake');
  }

  async run(): Promise<KillReport> {
    const { rounds, lake, scale } = this.#options;
    if (lake === undefined) await makeLake(this.#lake, { scale });
    else cpSync(lake, this.#lake, { recursive: true, preserveTimestamps: true });
    await this.#learn();
    for (let round = 0; round < rounds; round += 1) await this.#round(round);
    return { rounds, ...this.#counts, typicalMs: Math.round(this.#typicalMs), faults: this.#faults };
  }

  /** How long it takes, and what comes of it, when nobody disturbs it. */
  async #learn(): Promise<void> {
    for (const name of ['first', 'second'].slice(this.#options.rounds < 10 ? 1 : 0)) {
      // Long campaigns warm up: the first run of a program is slower.
      const ended = await this.#pack(name, path.join(this.#folder, name));
      if (ended.code !== 0) throw new Error(`the undisturbed run failed: ${ended.stderr}`);
      this.#typicalMs = ended.ms;
    }
    this.#expected = lookAtArchive(path.join(this.#folder, 'second')).bundles;
  }

  #pack(name: string, archive: string, killAfterMs?: number): Promise<Ended> {
    const env = { LAKEPACK_STATE_DIR: path.join(this.#folder, `${name}-state`), TMPDIR: this.#temporary() };
    const program: Program = { words: this.#words, env };
    const kill = killAfterMs === undefined ? undefined : { signal: this.#options.signal, afterMs: killAfterMs };
    return runProgram(program, ['export', 'pack', this.#lake, '--to', archive, '--quiet'], kill);
  }

  #temporary(): string {
    const folder = path.join(this.#folder, 'tmp');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async #round(round: number): Promise<void> {
    const random = randomOfRound(this.#options.seed, round);
    const name = `round-${round}`;
    const intoLake = random() < 0.5;
    const archive = intoLake ? this.#lake : path.join(this.#folder, name);
    const before = treeOf(this.#lake);
    try {
      const first = await this.#pack(name, archive, this.#moment(random));
      if (first.signal !== undefined || first.code === 130) await this.#lookAfterKill(round, first, archive);
      else if (first.code !== 0) this.#fault(round, `ended with ${first.code}: ${first.stderr}`);
      if (random() < 0.25) {
        const again = await this.#pack(name, archive, this.#moment(random));
        if (again.signal !== undefined || again.code === 130) this.#counts.killedAgain += 1;
      }
      await this.#finish(round, name, archive);
    } finally {
      this.#clear(name, before);
    }
  }

  /** Mostly while it works, sometimes while it starts. */
  #moment(random: () => number): number {
    const from = random() < 0.1 ? 0 : 0.35;
    return this.#typicalMs * (from + random() * (LATEST - from));
  }

  async #lookAfterKill(round: number, ended: Ended, archive: string): Promise<void> {
    this.#counts.killed += 1;
    if (!existsSync(archive)) return;
    const { exports, strays } = this.#look(round, archive);
    if (exports > 0 && exports < this.#expected.length) this.#counts.partlyCommitted += 1;
    if (strays.length > 0) this.#counts.withStrays += 1;
    if (strays.length > 0 && ended.code === 130) this.#fault(round, `interrupted, it left ${strays.join(', ')}`);
    const bundleFiles = strays
      .filter((key) => /\/[^./][^/]*\.tar\.zst$/.test(key))
      .map((key) => path.join(archive, key));
    if (exports > 0) await this.#verify(round, { archive, depth: 'stored' });
    if (bundleFiles.length > 0) await this.#verify(round, { bundleFiles });
  }

  #look(round: number, archive: string): ReturnType<typeof lookAtArchive> {
    try {
      return lookAtArchive(archive);
    } catch (error) {
      this.#fault(round, String(error));
      return { bundles: [], strays: [], exports: 0 };
    }
  }

  async #verify(round: number, options: Parameters<typeof verify>[0]): Promise<void> {
    const report = await verify(options);
    const findings = report.exports.flatMap((one) => one.findings).filter(({ code }) => code !== 'BUNDLE_ORPHANED');
    for (const one of findings) this.#fault(round, `${one.code}: ${one.message}`);
  }

  async #finish(round: number, name: string, archive: string): Promise<void> {
    const left = readdirSync(this.#temporary()).length;
    const ended = await this.#pack(name, archive);
    if (ended.code !== 0) {
      this.#fault(round, `the same command ended with ${ended.code}: ${ended.stderr}`);
      return;
    }
    const { bundles, strays } = this.#look(round, archive);
    if (JSON.stringify(bundles) !== JSON.stringify(this.#expected))
      this.#fault(round, 'other bundles than undisturbed');
    if (strays.length > 0) this.#fault(round, `left behind: ${strays.join(', ')}`);
    if (readdirSync(this.#temporary()).length > left) this.#fault(round, 'a run that finished left scratch files');
    await this.#verify(round, { archive, depth: 'stored' });
    const again = await this.#pack(name, archive);
    if (again.code !== 0 || this.#look(round, archive).exports !== this.#expected.length) {
      this.#fault(round, 'packing once more was not nothing to do');
    }
  }

  /** The lake as it was before the round. */
  #clear(name: string, before: ReadonlyMap<string, string>): void {
    for (const left of [name, `${name}-state`, 'tmp'])
      rmSync(path.join(this.#folder, left), { recursive: true, force: true });
    for (const found of treeOf(this.#lake).keys()) {
      if (!before.has(found)) rmSync(path.join(this.#lake, found), { recursive: true, force: true });
    }
  }

  #fault(round: number, text: string): void {
    this.#faults.push(`round ${round} of seed ${this.#options.seed}: ${text}`);
  }
}

if (isMain(import.meta.url)) {
  const { rounds, seed, lake, words } = campaignArguments(200);
  const report = await killPack({ rounds, seed, lake, scale: 6, signal: words[0] === 'SIGINT' ? 'SIGINT' : 'SIGKILL' });
  tell(report, report.faults);
}
