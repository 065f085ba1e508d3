/** The results file: raw samples and everything needed to judge them. The tables are made from it, never by hand. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { WorkName } from './contender.js';
import type { LakeSize } from './data-sets.js';
import type { Machine } from './machine.js';
import type { Cost } from './measure.js';

/** One measured round. */
export interface Sample extends Cost {
  readonly round: number;
  /** Null for works that store nothing. */
  readonly storedBytes: number | null;
}

export interface Series {
  readonly dataSet: string;
  readonly work: WorkName;
  readonly contender: string;
  /** How many it was allowed to use. */
  readonly cores: number;
  /** To an S3 server, counted in the warm-up. Null: there was none, or no warm-up. */
  readonly requests: number | null;
  readonly samples: readonly Sample[];
}

export interface Results {
  readonly version: 2;
  /** When the benchmark began, RFC 3339. */
  readonly date: string;
  readonly command: string;
  readonly rounds: number;
  readonly warmUpRounds: number;
  /** Of the data sets. Other than 1: a trial of the benchmark itself, which says nothing about speed. */
  readonly scale: number;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly dataSets: readonly ({ readonly name: string; readonly title: string } & LakeSize)[];
  readonly works: readonly { readonly name: WorkName; readonly title: string }[];
  /** What each tool did, for each work. */
  readonly contenders: readonly {
    readonly name: string;
    readonly does: Readonly<Partial<Record<WorkName, string>>>;
  }[];
  /** Tools that would have taken part, were they installed. */
  readonly missing: readonly { readonly contender: string; readonly programs: readonly string[] }[];
  /** What could not be measured here. */
  readonly notes: readonly string[];
  /** The name of the contender to which the ratios refer. */
  readonly subject: string;
  readonly series: readonly Series[];
}

const FOLDER = path.resolve(import.meta.dirname, 'results');

/**
 * Returns the path. A name is never used twice.
 * @param folder - default: bench/results.
 */
export async function writeResults(results: Results, isLocal: boolean, folder = FOLDER): Promise<string> {
  const time = results.date.replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  const names = results.dataSets.map((dataSet) => dataSet.name);
  const label = names.length > 2 ? `${names.length}-data-sets` : names.join('+');
  const file = path.join(folder, `${time}-${label}${isLocal ? '.local' : ''}.json`);
  await mkdir(folder, { recursive: true });
  const text = await format(JSON.stringify(results), { ...(await resolveConfig(file)), parser: 'json' });
  await writeFile(file, text, { flag: 'wx' });
  return file;
}

export async function readResults(file: string): Promise<Results> {
  const results = JSON.parse(await readFile(file, 'utf8')) as Partial<Results> | null;
  if (results?.version !== 2) throw new Error(`${file}: is not a results file of version 2`);
  return results as Results;
}
