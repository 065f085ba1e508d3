/**
 * Runs pack, verify and unpack over an archive that fails, lies and hangs by a seed, in process. Whatever happens, the
 * outcome is a success or a LakepackError of the closed list, no manifest stands without its bundles, no wrong byte
 * stands under a final name, and the same call over a sound archive finishes.
 *
 *     npx tsx scripts/campaigns/faults.ts [--rounds 400] [--seed 1] [--lake DIR] [FIRST ROUND]
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeLake } from '../../fixtures/make-lake.js';
import { Archive } from '../../src/archive/archive.js';
import { ERROR_CODES, isLakepackError } from '../../src/base/errors.js';
import { pack, unpack, verify } from '../../src/index.js';
import type { Remote } from '../../src/remote/remote.js';
import { faulty, type Fault, type FaultKind, type Method } from '../../test/remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../../test/remote/memory.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell, tellRound } from './campaign.js';
import { differences, filesOf, sha256 } from './looks.js';

export interface FaultOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly lake?: string | undefined;
  /** The first round; to have one again. */
  readonly from?: number;
  readonly onRound?: (round: number) => void;
}

export interface FaultReport {
  readonly rounds: number;
  /** Calls of the archive that were made to fail. */
  readonly faultsInjected: number;
  /** How often each operation ended how: `pack done`, `unpack HASH_MISMATCH` … */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

const KINDS: readonly FaultKind[] = ['fail', 'fail-late', 'truncate', 'flip', 'hang'];
const METHODS: readonly Method[] = ['head', 'read', 'readRange', 'stream', 'put', 'list', 'delete', 'flush'];
const HANG_MS = 150;

export async function injectFaults(options: FaultOptions): Promise<FaultReport> {
  return await inScratch(async (folder) => new FaultInjector(options, folder).run());
}

class FaultInjector {
  readonly #options: FaultOptions;
  readonly #folder: string;
  readonly #lake: string;
  readonly #outcomes = new Map<string, number>();
  readonly #faults: string[] = [];
  #injected = 0;
  #expectedBundles: readonly string[] = [];
  #expectedFiles: ReadonlyMap<string, string> = new Map();
  #sound: MemoryRemote = openMemoryRemote();

  constructor(options: FaultOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#lake = options.lake ?? path.join(folder, 'lake');
  }

  async run(): Promise<FaultReport> {
    const { rounds, lake } = this.#options;
    if (lake === undefined) await makeLake(this.#lake);
    await pack({ lake: this.#lake, to: new Archive(this.#sound), stateDir: path.join(this.#folder, 'state') });
    this.#expectedBundles = bundlesOf(this.#sound);
    const whole = path.join(this.#folder, 'whole');
    await unpack({ from: new Archive(this.#sound), into: whole });
    this.#expectedFiles = filesOf(whole);
    for (let round = this.#options.from ?? 0; round < rounds; round += 1) await this.#round(round);
    const outcomes = Object.fromEntries([...this.#outcomes].sort());
    return { rounds, faultsInjected: this.#injected, outcomes, faults: this.#faults };
  }

  async #round(round: number): Promise<void> {
    this.#options.onRound?.(round);
    const random = randomOfRound(this.#options.seed, round);
    const which = Math.floor(random() * 3);
    try {
      if (which === 0) await this.#packRound(round, random);
      else if (which === 1) await this.#verifyRound(round, random);
      else await this.#unpackRound(round, random);
    } catch (error) {
      this.#fault(round, `the sound repetition failed: ${String(error)}`);
    }
  }

  async #packRound(round: number, random: () => number): Promise<void> {
    const memory = openMemoryRemote();
    const stateDir = path.join(this.#folder, `state-${round}`);
    const options = { lake: this.#lake, stateDir, concurrency: 1 + Math.floor(random() * 4) };
    // Under its own name: the journal is for one lake and one archive.
    const remote = { ...faulty(memory, faultsFrom(random, true), round), url: memory.url };
    await this.#attempt(round, 'pack', remote, (signal, to) => pack({ ...options, to, signal }));
    for (const one of unsound(memory)) this.#fault(round, `after the fault: ${one}`);
    const report = await pack({ ...options, to: new Archive(memory) });
    if (report.totals.failed > 0) this.#fault(round, 'the sound repetition failed exports');
    for (const one of unsound(memory)) this.#fault(round, `after the repetition: ${one}`);
    const missing = this.#expectedBundles.filter((one) => !bundlesOf(memory).includes(one));
    if (missing.length > 0) this.#fault(round, `other bundles than undisturbed: ${missing.join(', ')}`);
    for (const key of straysIn(memory)) this.#fault(round, `left behind: ${key}`);
    const { ok } = await verify({ archive: new Archive(memory) });
    if (!ok) this.#fault(round, 'the archive does not verify');
    rmSync(stateDir, { recursive: true, force: true });
  }

  async #verifyRound(round: number, random: () => number): Promise<void> {
    const depth = (['manifest', 'stored', 'contents'] as const)[Math.floor(random() * 3)] ?? 'contents';
    const sample = random() < 0.3 ? 0.4 : 1;
    const faults = faultsFrom(random, false);
    const remote = faulty(this.#sound, faults, round);
    const report = await this.#attempt(round, 'verify', remote, (signal, archive) =>
      verify({ archive, depth, sample, sampleSeed: round, signal }),
    );
    const isHonest = faults.every(({ kind }) => kind !== 'flip' && kind !== 'truncate');
    if (report?.ok === false && isHonest) this.#fault(round, 'a sound archive that fails is called damaged');
  }

  async #unpackRound(round: number, random: () => number): Promise<void> {
    const into = path.join(this.#folder, 'rounds', `${round}`);
    const remote = faulty(this.#sound, faultsFrom(random, false), round);
    const report = await this.#attempt(round, 'unpack', remote, (signal, from) => unpack({ from, into, signal }));
    // A listing that ends early without an error breaks the contract of remotes: less is restored, nothing wrong.
    const found = filesOf(into);
    for (const [name, facts] of found) {
      if (this.#expectedFiles.get(name) !== facts) this.#fault(round, `${name}: wrong under its final name: ${facts}`);
    }
    if (report === undefined && existsSync(into)) this.#fault(round, 'it failed, and the target is there');
    await unpack({ from: new Archive(this.#sound), into });
    for (const one of differences(this.#expectedFiles, filesOf(into)))
      this.#fault(round, `after the repetition: ${one}`);
    const beside = readdirSync(path.dirname(into)).filter((name) => name !== path.basename(into));
    if (beside.length > 0) this.#fault(round, `left beside the target: ${beside.join(', ')}`);
    rmSync(into, { recursive: true, force: true });
  }

  async #attempt<T>(
    round: number,
    verb: string,
    remote: Remote & { readonly hits: readonly string[] },
    work: (signal: AbortSignal, archive: Archive) => Promise<T>,
  ): Promise<T | undefined> {
    const patience = new AbortController();
    const timer = setInterval(() => {
      if (remote.hits.some((hit) => hit.startsWith('hang'))) patience.abort();
    }, HANG_MS);
    try {
      const result = await work(patience.signal, new Archive(remote));
      this.#count(`${verb} done`);
      return result;
    } catch (error) {
      const code = isLakepackError(error) ? error.code : 'no LakepackError';
      this.#count(`${verb} ${code}`);
      if (code === 'INTERNAL' || !(ERROR_CODES as readonly string[]).includes(code)) {
        this.#fault(round, `${verb}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
      return undefined;
    } finally {
      clearInterval(timer);
      this.#injected += remote.hits.length;
    }
  }

  #count(outcome: string): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  #fault(round: number, text: string): void {
    this.#faults.push(`round ${round} of seed ${this.#options.seed}: ${text}`);
  }
}

/** One to three faults: at one call, or at a share of them. A flush takes no signal, so it does not hang. */
function faultsFrom(random: () => number, writing: boolean): Fault[] {
  return Array.from({ length: 1 + Math.floor(random() * 3) }, (): Fault => {
    const kind = KINDS[Math.floor(random() * KINDS.length)] ?? 'fail';
    const methods = METHODS.filter((method) => kind !== 'hang' || method !== 'flush');
    // What a manifest or a bundle says when it is read back in a pack is not believed, but may be reported.
    const on = random() < 0.5 ? { on: methods[Math.floor(random() * methods.length)] ?? 'read' } : { on: methods };
    const when =
      random() < 0.6 ? { nth: 1 + Math.floor(random() * (writing ? 120 : 200)) } : { share: 0.002 + random() * 0.05 };
    const key = random() < 0.3 ? { key: /^manifests\// } : {};
    return { kind, ...on, ...when, ...key };
  });
}

interface ManifestFacts {
  readonly exportId: string;
  readonly source: { readonly path: string };
  readonly bundles: readonly { readonly name: string; readonly sha256: string }[];
}

function manifestsOf({ objects }: MemoryRemote): ManifestFacts[] {
  const texts = [...objects].filter(([key]) => key.endsWith('.export.json'));
  return texts.map(([, bytes]) => JSON.parse(bytes.toString()) as ManifestFacts);
}

function bundlesOf(remote: MemoryRemote): string[] {
  return manifestsOf(remote)
    .flatMap(({ source, bundles }) => bundles.map((bundle) => `${source.path} ${bundle.sha256}`))
    .sort();
}

/** Manifests whose bundles are not there, or are not what they say. */
function unsound(remote: MemoryRemote): string[] {
  return manifestsOf(remote).flatMap(({ exportId, source, bundles }) =>
    bundles.flatMap(({ name, sha256: expected }) => {
      const stored = remote.objects.get(`exports/${source.path}/${exportId}/${name}`);
      if (stored === undefined) return [`${exportId} of ${source.path}: its bundle ${name} is missing`];
      return sha256(stored) === expected ? [] : [`${exportId} of ${source.path}: its bundle ${name} is damaged`];
    }),
  );
}

function straysIn(remote: MemoryRemote): string[] {
  const known = new Set(manifestsOf(remote).map(({ exportId }) => exportId));
  return [...remote.objects.keys()].filter((key) => {
    const id = /\d{8}T\d{6}Z-[0-9a-f]{8}/.exec(key)?.[0];
    return id !== undefined && !known.has(id);
  });
}

if (isMain(import.meta.url)) {
  const { rounds, seed, lake, words } = campaignArguments(400);
  const report = await injectFaults({ rounds, seed, lake, from: Number(words[0] ?? 0), onRound: tellRound });
  tell(report, report.faults);
}
