/** The words after `npm run bench --`: what they mean and which are refused. */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Contender } from './contender.js';
import { DATA_SETS, ownLake, type DataSet } from './data-sets.js';
import type { Choice } from './schedule.js';
import { CONTENDERS, SUBJECT, WORKS, type Work } from './works.js';

export interface BenchOptions extends Choice {
  readonly rounds: number;
  readonly warmUpRounds: number;
  /** Of the data sets: 0.01 for a hundredth of their sizes. */
  readonly scale: number;
  /** The command line that is measured. */
  readonly bin: string;
  /** The folder in which the scratch folder is made. Undefined: the system's temporary folder. */
  readonly scratchParent: string | undefined;
  /** Results go into a file that is not committed. */
  readonly isLocal: boolean;
  /** Where results are written. Undefined: bench/results. */
  readonly resultsFolder: string | undefined;
  /** Not to compare, but to see where the time of this work goes. */
  readonly profile: Work | undefined;
  /** The document that the table of a profile is put into. Undefined: none. */
  readonly into: string | undefined;
}

/** A median of fewer says little; it is not published. */
export const LEAST_PUBLISHED_ROUNDS = 5;
const ROUNDS_FOR_BOUNDS = 7;
const OWN_BIN = path.resolve(import.meta.dirname, '../dist/bin.js');
/** Those whose time is that of our own code. */
export const PROFILED = ['pack', 'unpack', 'verify', 'push', 'pull'] as const;

const namesOf = (list: readonly { readonly name: string }[]) => list.map(({ name }) => `'${name}'`).join(', ');

export const USAGE = `npm run bench -- [options]
  --bounds        only what the table of bounds needs (bench/bounds.ts), ${ROUNDS_FOR_BOUNDS} rounds unless --rounds says otherwise
  --profile NAME  where the time of one lakepack command goes, as a table: ${PROFILED.join(', ')}; with --into FILE it is
                  put into that document. Nothing is compared
  --rounds N      measured rounds (default ${LEAST_PUBLISHED_ROUNDS})
  --warm-up N     rounds before them that fill the page cache, check what is restored, count requests (default 1)
  --work NAME     only this work: ${namesOf(WORKS)} (repeatable)
  --tool NAME     only lakepack and this tool: ${namesOf(CONTENDERS)} (repeatable)
  --without NAME  not this tool (repeatable)
  --data NAME     only on this data: ${namesOf(DATA_SETS)} (repeatable; default: all that can be had)
  --scale X       data of so much of its size, as 0.01: to try the benchmark itself
  --lake DIR      on this lake
  --cores N,N     on so many cores, one after the other (default: all)
  --scratch DIR   where to work, such as a tmpfs (default: the temporary folder of the system)
  --results DIR   where results are written (default: bench/results)
  --bin FILE      another build of lakepack's command line
  --local         write results to *.local.json, which git ignores; needed with --bin, --scale and fewer than ${LEAST_PUBLISHED_ROUNDS} rounds`;

const PARSED = {
  bounds: { type: 'boolean', default: false },
  profile: { type: 'string' },
  into: { type: 'string' },
  rounds: { type: 'string' },
  'warm-up': { type: 'string', default: '1' },
  work: { type: 'string', multiple: true },
  tool: { type: 'string', multiple: true },
  without: { type: 'string', multiple: true },
  data: { type: 'string', multiple: true },
  scale: { type: 'string', default: '1' },
  lake: { type: 'string' },
  cores: { type: 'string' },
  scratch: { type: 'string' },
  results: { type: 'string' },
  bin: { type: 'string' },
  local: { type: 'boolean', default: false },
} as const;
/** Their values are somebody's paths. */
const PATHS = ['lake', 'scratch', 'results', 'bin', 'into'];

type Values = ReturnType<typeof parseArgs<{ options: typeof PARSED }>>['values'];

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: PARSED });
  const rounds = wholeNumber('--rounds', values.rounds ?? defaultRounds(values), 1);
  const scale = positive('--scale', values.scale);
  assertPublishable(values, rounds, scale);
  if (values.lake !== undefined && values.data !== undefined) throw new Error('--lake and --data: choose one');
  const without = named('--without', CONTENDERS, values.without ?? []);
  return {
    rounds,
    scale,
    warmUpRounds: wholeNumber('--warm-up', values['warm-up'], 0),
    works: values.work && named('--work', WORKS, values.work),
    contenders: chooseTools(named('--tool', CONTENDERS, values.tool), without),
    dataSets: values.lake === undefined ? chooseData(values.data) : [existing(ownLake(values.lake))],
    cores: (values.cores?.split(',') ?? [String(availableParallelism())]).map(coreCount),
    isBounds: values.bounds,
    bin: path.resolve(values.bin ?? OWN_BIN),
    scratchParent: values.scratch,
    isLocal: values.local,
    resultsFolder: values.results,
    profile: values.profile === undefined ? undefined : profiled(values.profile),
    into: values.into,
  };
}

export function isOwnBuild({ bin }: BenchOptions): boolean {
  return bin === OWN_BIN;
}

/** The command as it may be published: with its choices, without anybody's paths. */
export function describeCommand(args: readonly string[]): string {
  const { tokens } = parseArgs({ args: [...args], options: PARSED, tokens: true });
  const words = tokens.flatMap((token) => {
    if (token.kind !== 'option') return [];
    if (token.value === undefined) return [token.rawName];
    const value = PATHS.includes(token.name) ? 'DIR' : token.value;
    return [token.rawName, /^[\w.,-]+$/.test(value) ? value : `'${value}'`];
  });
  return ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
}

function defaultRounds(values: Values): string {
  return String(values.bounds ? ROUNDS_FOR_BOUNDS : LEAST_PUBLISHED_ROUNDS);
}

function assertPublishable(values: Values, rounds: number, scale: number): void {
  if (values.local || values.profile !== undefined) return;
  if (rounds < LEAST_PUBLISHED_ROUNDS) {
    throw new Error(`--rounds ${rounds}: published results need at least ${LEAST_PUBLISHED_ROUNDS}: use --local`);
  }
  if (scale !== 1) throw new Error(`--scale ${scale}: published results need whole data sets: use --local`);
  if (values.bin !== undefined) throw new Error('--bin: published results are of the build in dist: use --local');
}

function profiled(name: string): Work {
  const [work] = named(
    '--profile',
    WORKS.filter((one) => PROFILED.some((profile) => profile === one.name)),
    [name],
  );
  return work!;
}

function chooseTools(chosen: readonly Contender[], without: readonly Contender[]): Contender[] {
  return CONTENDERS.filter(
    (contender) => contender === SUBJECT || (chosen.includes(contender) && !without.includes(contender)),
  );
}

function chooseData(names: readonly string[] | undefined): DataSet[] {
  if (names !== undefined) return named('--data', DATA_SETS, names).map(existing);
  const available = DATA_SETS.filter((dataSet) => dataSet.isAvailable());
  return available.filter(({ insteadOf }) => !available.some(({ name }) => name === insteadOf));
}

function existing(dataSet: DataSet): DataSet {
  if (!dataSet.isAvailable()) throw new Error(`${dataSet.name}: is not on this machine`);
  return dataSet;
}

/** The entries with these names, in the order of the list; all of them when no name is given. */
function named<T extends { readonly name: string }>(
  option: string,
  list: readonly T[],
  names: readonly string[] | undefined,
): T[] {
  const unknown = names?.find((name) => !list.some((entry) => entry.name === name));
  if (unknown !== undefined) throw new Error(`${option} ${unknown}: expected one of ${namesOf(list)}`);
  return list.filter(({ name }) => names?.includes(name) ?? true);
}

function coreCount(text: string): number {
  const cores = wholeNumber('--cores', text, 1);
  if (cores > availableParallelism()) throw new Error(`--cores ${text}: there are ${availableParallelism()}`);
  return cores;
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new Error(`${option} ${text}: expected a whole number, at least ${least}`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new Error(`${option} ${text}: expected a number above zero`);
}
