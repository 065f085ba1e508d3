/** The words after `npm run bench --`: what they mean and which are refused. */
import { parseArgs } from 'node:util';
import type { Contender } from './contender.js';
import { DATA_SETS, ownLake, type DataSet } from './data-sets.js';
import { CONTENDERS, SUBJECT, WORKS, type Work } from './works.js';

export interface BenchOptions {
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly works: readonly Work[];
  readonly contenders: readonly Contender[];
  readonly dataSets: readonly DataSet[];
  /** The folder in which the scratch folder is made. Undefined: the system's temporary folder. */
  readonly scratchParent: string | undefined;
  /** Results go into a file that is not committed. */
  readonly isLocal: boolean;
}

/** A median of fewer says little; it is not published. */
export const LEAST_PUBLISHED_ROUNDS = 5;

export const USAGE = `npm run bench -- [options]
  --rounds N      measured rounds (default 5)
  --warm-up N     rounds before them that fill the page cache and check what is restored (default 1)
  --work NAME     only this work: ${WORKS.map(({ name }) => name).join(', ')} (repeatable)
  --tool NAME     only lakepack and this tool: ${CONTENDERS.map(({ name }) => `'${name}'`).join(', ')} (repeatable)
  --without NAME  not this tool (repeatable)
  --data NAME     on this data: ${DATA_SETS.map(({ name }) => name).join(', ')} (repeatable; default: the first that is there)
  --lake DIR      on this lake
  --scratch DIR   where to work, such as a tmpfs (default: the temporary folder of the system)
  --local         write results to *.local.json, which git ignores; needed with fewer than ${LEAST_PUBLISHED_ROUNDS} rounds`;

const PARSED = {
  rounds: { type: 'string', default: '5' },
  'warm-up': { type: 'string', default: '1' },
  work: { type: 'string', multiple: true },
  tool: { type: 'string', multiple: true },
  without: { type: 'string', multiple: true },
  data: { type: 'string', multiple: true },
  lake: { type: 'string' },
  scratch: { type: 'string' },
  local: { type: 'boolean', default: false },
} as const;

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: PARSED });
  const rounds = wholeNumber('--rounds', values.rounds, 1);
  if (rounds < LEAST_PUBLISHED_ROUNDS && !values.local) {
    throw new Error(`--rounds ${rounds}: published results need at least ${LEAST_PUBLISHED_ROUNDS}: use --local`);
  }
  if (values.lake !== undefined && values.data !== undefined) throw new Error('--lake and --data: choose one');
  const without = named('--without', CONTENDERS, values.without ?? []);
  return {
    rounds,
    warmUpRounds: wholeNumber('--warm-up', values['warm-up'], 0),
    works: named('--work', WORKS, values.work),
    contenders: chooseTools(named('--tool', CONTENDERS, values.tool), without),
    dataSets: values.lake === undefined ? chooseData(values.data) : [existing(ownLake(values.lake))],
    scratchParent: values.scratch,
    isLocal: values.local,
  };
}

/** The command as it may be published: with its choices, without anybody's paths. */
export function describeCommand(args: readonly string[]): string {
  const { tokens } = parseArgs({ args: [...args], options: PARSED, tokens: true });
  const words = tokens.flatMap((token) => {
    if (token.kind !== 'option') return [];
    if (token.value === undefined) return [token.rawName];
    const value = ['lake', 'scratch'].includes(token.name) ? 'DIR' : token.value;
    return [token.rawName, /^[\w.-]+$/.test(value) ? value : `'${value}'`];
  });
  return ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
}

function chooseTools(chosen: readonly Contender[], without: readonly Contender[]): Contender[] {
  return CONTENDERS.filter(
    (contender) => contender === SUBJECT || (chosen.includes(contender) && !without.includes(contender)),
  );
}

function chooseData(names: readonly string[] | undefined): DataSet[] {
  if (names !== undefined) return named('--data', DATA_SETS, names).map(existing);
  return DATA_SETS.filter((dataSet) => dataSet.isAvailable()).slice(0, 1);
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
  if (unknown !== undefined) {
    throw new Error(`${option} ${unknown}: expected one of ${list.map(({ name }) => `'${name}'`).join(', ')}`);
  }
  return list.filter(({ name }) => names?.includes(name) ?? true);
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new Error(`${option} ${text}: expected a whole number, at least ${least}`);
}
