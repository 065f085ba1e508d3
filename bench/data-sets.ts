/** The lakes that a benchmark can run on, and how each gets into a scratch folder. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeLake } from '../fixtures/make-lake.js';
import { runUntimed } from './measure.js';

export interface DataSet {
  readonly name: string;
  readonly title: string;
  isAvailable(): boolean;
  /** Makes the lake below `scratch` (a folder of its own), or says where it is. It is never written to afterwards. */
  provide(scratch: string): Promise<string>;
}

export interface LakeSize {
  readonly files: number;
  readonly bytes: number;
}

const LAKE_REAL = path.resolve(import.meta.dirname, '../../shared/data/lake-real.tar.zst');
/** Some 20,000 files: as many as lake-real has, of far fewer bytes. */
const GENERATED_SCALE = 300;

/** The better one first: the default is the first that is available. */
export const DATA_SETS: readonly DataSet[] = [
  {
    name: 'lake-real',
    title: 'lake-real: small json.gz, CSV, JSONL, Parquet, embeddings',
    isAvailable: () => existsSync(LAKE_REAL),
    provide: async (scratch) => {
      await runUntimed({ argv: ['tar', '--zstd', '-xf', LAKE_REAL, '-C', scratch] });
      return scratch;
    },
  },
  {
    name: 'generated',
    title: `fixtures lake at scale ${GENERATED_SCALE}: many tiny files`,
    isAvailable: () => true,
    provide: async (scratch) => {
      await makeLake(scratch, { scale: GENERATED_SCALE });
      return scratch;
    },
  },
];

/** A lake of the user's own. Its path stays out of the results. */
export function ownLake(folder: string): DataSet {
  return {
    name: 'own-lake',
    title: 'a lake given with --lake',
    isAvailable: () => existsSync(folder),
    provide: async () => path.resolve(folder),
  };
}

export async function provideLake(dataSet: DataSet, scratch: string): Promise<string> {
  const folder = path.join(scratch, 'lake', dataSet.name);
  await mkdir(folder, { recursive: true });
  return dataSet.provide(folder);
}

/** Files and bytes below a folder, or of a single file. */
export async function sizeOf(place: string): Promise<LakeSize> {
  const own = await stat(place);
  if (!own.isDirectory()) return { files: 1, bytes: own.size };
  let [files, bytes] = [0, 0];
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files += 1;
    bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  }
  return { files, bytes };
}
