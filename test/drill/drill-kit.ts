/** Drills of small lakes in archives in memory, with stores that are only pretended, for the tests of drills. */
import fs from 'node:fs';
import path from 'node:path';
import { Archive } from '../../src/archive/archive.js';
import type { DrillOptions, DrillPlan, DrillReport } from '../../src/drill/contract.js';
import { REAL_TOOLS, type DrillTools } from '../../src/drill/drill-tools.js';
import { runDrill } from '../../src/drill/run-drill.js';
import type { Recipe } from '../../src/schema/recipe.js';
import type { DerivedStore, TableSpec } from '../../src/stores/contract.js';
import type { Remote } from '../../src/remote/remote.js';
import { openMemoryRemote, type MemoryRemote } from '../remote/memory.js';
import { makeFolder, packInto, placeWith, type Place, type Tree } from '../operations/lakes.js';

export interface Packed {
  readonly place: Place;
  readonly remote: MemoryRemote;
  /** Where drills may work. */
  readonly scratch: string;
}

/** Two partitions of one dataset and one of another, packed on the same second. */
export const LAKE: Tree = {
  'silver/apps/dt=2025-10-11/part-0.csv': 'id,name\n1,one\n',
  'silver/apps/dt=2025-10-12/part-0.csv': 'id,name\n2,two\n',
  'silver/users/dt=2025-10-12/part-0.csv': 'id\n7\n',
};

export async function packedLake(tree: Tree = LAKE): Promise<Packed> {
  const place = placeWith(tree);
  const remote = openMemoryRemote();
  await packInto(place, { to: new Archive(remote) });
  const scratch = path.join(makeFolder(), 'scratch');
  fs.mkdirSync(scratch);
  return { place, remote, scratch };
}

export interface Run extends Partial<Omit<DrillOptions, 'plan'>> {
  readonly plan?: Partial<DrillPlan>;
  readonly tools?: Partial<DrillTools>;
  readonly remote?: Remote;
}

export function runOn(
  packed: Packed,
  { plan, tools, remote = packed.remote, ...options }: Run = {},
): Promise<DrillReport> {
  return runDrill(
    {
      from: new Archive(remote),
      plan: { planVersion: 1, pick: { how: 'latest' }, ...plan },
      scratch: packed.scratch,
      stateDir: packed.place.stateDir,
      concurrency: 2,
      ...options,
    },
    { ...REAL_TOOLS, ...tools },
  );
}

/** `CODE step`, sorted. */
export function reasons({ record }: DrillReport): string[] {
  return record.reasons.map(({ code, step }) => `${code} ${step}`).sort();
}

export function flipBit(remote: MemoryRemote, pattern: RegExp, at = 0.5): string {
  const key = keyOf(remote, pattern);
  const bytes = Buffer.from(remote.objects.get(key)!);
  bytes[Math.floor(bytes.length * at)]! ^= 0x10;
  remote.objects.set(key, bytes);
  return key;
}

export function keyOf({ objects }: MemoryRemote, pattern: RegExp): string {
  return [...objects.keys()].sort().find((key) => pattern.test(key))!;
}

export const RECIPE: Recipe = {
  recipeVersion: 1,
  tables: {
    apps: { from: ['silver/apps/**/*.csv'], columns: { id: 'INTEGER', name: 'VARCHAR' }, keys: ['id'] },
    users: { from: ['silver/users/**/*.csv'], columns: { id: 'INTEGER' }, keys: ['id'] },
  },
  stores: { local: { engine: 'duckdb' } },
};

/** Stores that hold nothing, and tables that are always as expected: what a drill does around them is looked at. */
export function pretended(calls: string[] = [], more: Partial<DerivedStore> = {}): Partial<DrillTools> {
  const spec = (name: string): TableSpec => ({ name, columns: [], keys: [], vector: undefined, indexes: [] });
  return {
    openTables: async ({ recipe, files }) => ({
      specs: new Map(Object.keys(recipe.tables).map((name) => [name, spec(name)])),
      scopeOf: () => 'export',
      inputFiles: () => files,
      rows: (name) => ({
        spec: spec(name),
        async *batches() {},
        writeCsv: async () => 0,
        writeDuckDb: async () => 0,
      }),
      async *batchesByGroup() {},
      assertKeysUnique: async () => undefined,
      close: async () => undefined,
    }),
    openStore: async ({ into, settings }) => {
      calls.push(`open ${path.basename(into)}`);
      return {
        engine: settings.engine,
        place: into,
        build: async () => ({ rows: 3 }),
        seal: async () => undefined,
        columns: async () => [],
        async *readBack() {},
        query: async () => [{ n: '3' }],
        publish: async () => void calls.push('publish'),
        discard: async () => void calls.push(`discard ${path.basename(into)}`),
        close: async () => void calls.push('close'),
        ...more,
      };
    },
    checkTable: async ({ rows }) => ({
      name: rows.spec.name,
      outcome: 'pass',
      rows: 3,
      expectedFrom: 'files',
      levels: { L0: 'equal' },
      differences: [],
      differencesOmitted: 0,
      storeEqualsFiles: false,
    }),
  };
}
