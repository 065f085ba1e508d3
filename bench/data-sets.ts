/** The lakes that a benchmark can run on, and how each gets into a scratch folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { makeLake } from '../fixtures/make-lake.js';
import type { WorkName } from './contender.js';
import {
  writeJsonGz,
  writeOneFile,
  writeParquet,
  writePartitions,
  writeText,
  writeTinyFiles,
} from './generate/files.js';
import { runUntimed } from './measure.js';

export interface DataSet {
  readonly name: string;
  readonly title: string;
  /** What is measured on it. */
  readonly works: readonly [WorkName, ...WorkName[]];
  isAvailable(): boolean;
  /** It is there for machines without another one, and left out where that is to be had. */
  readonly insteadOf?: string;
  /**
   * Makes the lake in `folder`, which is empty, or says where it is. It is never written to afterwards.
   * @param scale - 1 for the size that the title tells, 0.01 for a hundredth of it. A lake that is taken as it is has no scale.
   */
  provide(folder: string, scale: number): Promise<string>;
}

export interface LakeSize {
  readonly files: number;
  readonly bytes: number;
}

const LAKE_REAL = path.resolve(import.meta.dirname, '../../shared/data/lake-real.tar.zst');
/** Some 20,000 files: as many as lake-real has, of far fewer bytes. */
const GENERATED_SCALE = 300;
const GIB = 2 ** 30;
const HERE = ['pack', 'verify', 'unpack'] as const;

export const DATA_SETS: readonly DataSet[] = [
  {
    name: 'lake-real',
    title: 'lake-real: small json.gz, CSV, JSONL, Parquet, embeddings',
    works: HERE,
    isAvailable: hasLakeReal,
    provide: async (folder) => {
      await runUntimed({ argv: ['tar', '--zstd', '-xf', LAKE_REAL, '-C', folder] });
      return folder;
    },
  },
  {
    name: 'generated',
    title: `fixtures lake at scale ${GENERATED_SCALE}: many tiny files`,
    works: HERE,
    insteadOf: 'lake-real',
    isAvailable: () => true,
    provide: async (folder, scale) => {
      await makeLake(folder, { scale: scaled(GENERATED_SCALE, scale) });
      return folder;
    },
  },
  made('json-gz', '20,000 files of JSON, gzipped, 2 to 14 kB before', HERE, (folder, scale) =>
    writeJsonGz(folder, scaled(20_000, scale)),
  ),
  made('text', '2 GiB of CSV and JSON lines in files of 16 MiB', HERE, (folder, scale) =>
    writeText(folder, scaled(2 * GIB, scale)),
  ),
  {
    ...made(
      'parquet',
      "2 GiB of lake-real's larger Parquet files, most of it embeddings; each copy with other bytes",
      [...HERE, 'push', 'pull'],
      (folder, scale) => writeParquet(folder, scaled(2 * GIB, scale), LAKE_REAL),
    ),
    isAvailable: hasLakeReal,
  },
  made('one-file', 'one file of 4 GiB, half text and half noise, by turns of 16 MiB', HERE, (folder, scale) =>
    writeOneFile(folder, scaled(4 * GIB, scale)),
  ),
  made('tiny', '100,000 files of JSON, 100 to 300 bytes each', HERE, (folder, scale) =>
    writeTinyFiles(folder, scaled(100_000, scale)),
  ),
  made('tiny-million', '1,000,000 files of JSON, 100 to 300 bytes each', ['pack', 'verify'], (folder, scale) =>
    writeTinyFiles(folder, scaled(1_000_000, scale)),
  ),
  made(
    'partitions',
    '2,000 partitions of one CSV file of 10 KiB',
    ['pack-partitions', 'push', 'pull'],
    (folder, scale) => writePartitions(folder, scaled(2_000, scale)),
  ),
  made('none', 'no files: what starting the program costs', ['help', 'version'], () => undefined),
];

/** A lake of the user's own. Its path stays out of the results. */
export function ownLake(folder: string): DataSet {
  return {
    name: 'own-lake',
    title: 'a lake given with --lake',
    works: [...HERE, 'push', 'pull'],
    isAvailable: () => existsSync(folder),
    provide: async () => path.resolve(folder),
  };
}

export async function provideLake(dataSet: DataSet, scratch: string, scale: number): Promise<string> {
  const folder = path.join(scratch, 'lake');
  await mkdir(folder, { recursive: true });
  return dataSet.provide(folder, scale);
}

/** The work that makes the stores which others verify, restore and send. */
export function packedBy(dataSet: DataSet): WorkName {
  return dataSet.works.find((name) => name.startsWith('pack')) ?? 'pack';
}

/** Files and bytes below a folder, or of a single file. In plain calls: a promise for each of a million files takes a minute. */
export function sizeOf(place: string): LakeSize {
  const own = statSync(place);
  if (!own.isDirectory()) return { files: 1, bytes: own.size };
  let [files, bytes] = [0, 0];
  const folders = [place];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const below = path.join(folder, entry.name);
      if (entry.isDirectory()) folders.push(below);
      if (!entry.isFile()) continue;
      files += 1;
      bytes += statSync(below).size;
    }
  }
  return { files, bytes };
}

function made(
  name: string,
  title: string,
  works: DataSet['works'],
  write: (folder: string, scale: number) => void | Promise<void>,
): DataSet {
  return {
    ...{ name, title, works },
    isAvailable: () => true,
    provide: async (folder, scale) => {
      await write(folder, scale);
      return folder;
    },
  };
}

function hasLakeReal(): boolean {
  return existsSync(LAKE_REAL);
}

function scaled(whole: number, scale: number): number {
  return Math.max(1, Math.round(whole * scale));
}
