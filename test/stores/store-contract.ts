/**
 * The suite that every derived store passes (src/stores/contract.ts): what is built comes back equal, what is changed
 * behind its back is noticed, and nothing but its own place is touched. An engine's test calls `describeStore`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { checkTable, type TableCheck } from '../../src/stores/check-table.js';
import type { DerivedStore, TableRows } from '../../src/stores/contract.js';
import { everyType } from './support/every-type.js';
import { CANNOT, documentedResult, items, type Mutate, MUTATIONS, resultWords } from './support/mutations.js';
import { column, tableRows } from './support/table-rows.js';

export { itemRows, items, itemsTable, type Mutate, type Mutation, MUTATIONS } from './support/mutations.js';

/** One engine with somewhere to build, started for a test file. Targets are short names; each test takes its own. */
export interface StoreSubject {
  open(into: string, options: { readonly replace: boolean }): Promise<DerivedStore>;
  /** Rows of a table at a published target, looked at by the engine's own means; undefined: no such table there. */
  countAt(into: string, table: string): Promise<number | undefined>;
  /** Names of all that stands where targets are made: files, schemas, databases, containers. */
  everything(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface StoreTraits {
  /** Columns of `TYPE_CASES` (support/every-type.ts) that this engine refuses. */
  readonly refuses?: readonly string[];
  /** True: a table without keys is refused. */
  readonly needsKeys?: boolean;
  /** True: a table with a vector column is refused. */
  readonly noVectors?: boolean;
  readonly mutate?: Mutate;
  /** Set: the suite is skipped, and why. */
  readonly missing?: string;
  /** Rows of the larger table. Default 5000. */
  readonly manyRows?: number;
}

const call = { signal: new AbortController().signal };

export function describeStore(name: string, start: () => Promise<StoreSubject>, traits: StoreTraits): void {
  describe.skipIf(traits.missing !== undefined)(
    `${name}${traits.missing === undefined ? '' : `: ${traits.missing}`}`,
    () => {
      const under: Under = { subject: undefined, traits };
      beforeAll(async () => {
        under.subject = await start();
      });
      afterAll(async () => under.subject?.stop());
      describeValues(under);
      describePlaces(under);
      if (traits.mutate !== undefined) describeMutations(name, under, traits.mutate);
    },
  );
}

interface Under {
  subject: StoreSubject | undefined;
  readonly traits: StoreTraits;
}

/** Builds, seals and looks; what was built is gone afterwards. */
async function withBuilt<T>(
  under: Under,
  into: string,
  tables: readonly TableRows[],
  look: (store: DerivedStore) => Promise<T>,
): Promise<T> {
  const store = await under.subject!.open(into, { replace: false });
  try {
    for (const table of tables) await store.build(table, call);
    await store.seal(call);
    return await look(store);
  } finally {
    await store.discard();
    await store.close();
  }
}

async function checkBuilt(under: Under, into: string, rows: TableRows): Promise<TableCheck> {
  return withBuilt(under, into, [rows], async (store) => checkTable({ store, rows, expected: undefined, call }));
}

function describeValues(under: Under): void {
  const { traits } = under;

  test('every type comes back equal, at its extremes too', async () => {
    const { spec, rows } = everyType(traits.refuses ?? []);
    const check = await checkBuilt(under, 'types', tableRows(spec, rows));
    expect(check.differences).toEqual([]);
    expect(check.rows).toBe(rows.length);
  });

  test.skipIf((traits.refuses ?? []).length === 0)('a type that it cannot hold is refused by name', async () => {
    for (const refused of traits.refuses ?? []) {
      const all = everyType([]);
      const at = all.spec.columns.findIndex((one) => one.name === refused);
      const spec = {
        ...all.spec,
        name: 'refused',
        columns: all.spec.columns.filter((_, index) => index === 0 || index === at),
      };
      const rows = tableRows(
        spec,
        all.rows.map((row) => [row[0] ?? null, row[at] ?? null]),
      );
      const error = await checkBuilt(under, 'refused', rows).catch((thrown: unknown) => thrown);
      expect(isLakepackError(error, 'STORE_REFUSED'), String(error)).toBe(true);
      expect(String(error)).toContain(refused);
    }
  });

  test('NULL and empty text stay apart', async () => {
    const rows = tableRows(items(false).spec, [
      ['a', '', 1],
      ['b', null, null],
      ['', 'x', 2],
    ]);
    expect((await checkBuilt(under, 'nulls', rows)).differences).toEqual([]);
  });

  test('an empty table is there and empty', async () => {
    const check = await checkBuilt(under, 'empty', items(traits.noVectors !== true, 0));
    expect(check).toMatchObject({ outcome: 'pass', rows: 0 });
  });

  test('several tables, names with capitals and reserved words among them', async () => {
    const spec = {
      ...items(false).spec,
      name: 'Order',
      columns: [column('select', { kind: 'text' }, 'VARCHAR'), column('Mixed Case', { kind: 'text' }, 'VARCHAR')],
      keys: ['select'],
    };
    const tables = [tableRows(spec, [['a', 'b']]), items(false, 3)] as const;
    const checks = await withBuilt(under, 'several', tables, async (store) =>
      Promise.all(tables.map(async (rows) => checkTable({ store, rows, expected: undefined, call }))),
    );
    expect(checks.flatMap(({ differences }) => differences)).toEqual([]);
  });

  test('thousands of rows, with a vector each and found by it', async () => {
    const rows = items(traits.noVectors !== true, traits.manyRows ?? 5_000);
    const check = await checkBuilt(under, 'many', rows);
    expect(check).toMatchObject({ outcome: 'pass', rows: traits.manyRows ?? 5_000, differences: [] });
    if (traits.noVectors !== true) expect(check.recallAt10).toBeGreaterThanOrEqual(0.9);
  });

  test('rows without key, equal ones among them', async () => {
    const spec = { ...items(false).spec, name: 'keyless', keys: [] };
    const built = checkBuilt(
      under,
      'keyless',
      tableRows(spec, [
        ['a', 'x', 1],
        ['a', 'x', 1],
        ['b', null, 2],
      ]),
    );
    if (traits.needsKeys !== true) expect(await built).toMatchObject({ outcome: 'pass', rows: 3 });
    else await expect(built).rejects.toMatchObject({ code: 'STORE_REFUSED' });
  });

  test('an interrupted build says so', async () => {
    const store = await under.subject!.open('interrupted', { replace: false });
    const signal = AbortSignal.abort();
    await expect(store.build(items(false), { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await store.discard();
    await store.close();
  });
}

function describePlaces(under: Under): void {
  test('discarding removes all that it made and nothing else, twice too', async () => {
    await publishItems(under, 'neighbour', 2, false);
    const before = await under.subject!.everything();
    const store = await under.subject!.open('discarded', { replace: false });
    await store.build(items(false), call);
    expect(await under.subject!.countAt('discarded', 'items')).toBeUndefined();
    await store.discard();
    await store.discard();
    await store.close();
    expect([...(await under.subject!.everything())].sort()).toEqual([...before].sort());
    expect(await under.subject!.countAt('neighbour', 'items')).toBe(2);
  });

  test('publishing puts all tables where they were wanted', async () => {
    await publishItems(under, 'published', 3, false);
    expect(await under.subject!.countAt('published', 'items')).toBe(3);
  });

  test('a target that has something is refused, and replaced only when told and only at the end', async () => {
    await publishItems(under, 'taken', 2, false);
    const refused = (async () => publishItems(under, 'taken', 4, false))();
    await expect(refused).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    const store = await under.subject!.open('taken', { replace: true });
    await store.build(items(false, 5), call);
    await store.seal(call);
    expect(await under.subject!.countAt('taken', 'items')).toBe(2);
    await store.publish(call);
    await store.close();
    expect(await under.subject!.countAt('taken', 'items')).toBe(5);
  });
}

async function publishItems(under: Under, into: string, count: number, replace: boolean): Promise<void> {
  const store = await under.subject!.open(into, { replace });
  try {
    await store.build(items(false, count), call);
    await store.seal(call);
    await store.publish(call);
  } finally {
    await store.close();
  }
}

function describeMutations(name: string, under: Under, mutate: Mutate): void {
  const hasVectors = under.traits.noVectors !== true;
  describe('what is changed behind its back is noticed', () => {
    test.each(MUTATIONS.map((one) => [one.kind, one] as const))('%s', async (kind, wanted) => {
      const rows = items(hasVectors);
      const result = await withBuilt(under, 'mutated', [rows], async (store) => {
        if ((await mutate(kind, store, rows.spec)) === CANNOT) return undefined;
        return checkTable({ store, rows, expected: undefined, call });
      });
      // docs/fingerprints.md, section 5, has a column for each store: what is promised there is what is seen here.
      const documented = documentedResult(kind, name);
      expect(result === undefined ? CANNOT : resultWords(result)).toBe(documented);
      if (result === undefined) return;
      expect(result.outcome).toBe(wanted.outcome);
      const first = result.differences[0];
      expect([first?.level, first?.column]).toEqual([wanted.level, wanted.column]);
      if (wanted.key !== undefined) expect(first?.key).toBe(wanted.key);
      for (const difference of result.differences) expect(difference.table).toBe('items');
    });
  });
}
