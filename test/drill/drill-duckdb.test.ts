/** A drill with the real DuckDB store, from lake files to the comparison of what was read back. */
import { expect, test } from 'vitest';
import { REAL_TOOLS } from '../../src/drill/drill-tools.js';
import { packedLake, reasons, RECIPE, runOn } from './drill-kit.js';

test('an undamaged archive passes, every table compared and the assertion true', async () => {
  const packed = await packedLake();
  const assertions = [{ name: 'two apps', store: 'local', sql: 'SELECT count(*) FROM apps', equals: 2 }];
  const report = await runOn(packed, { recipe: RECIPE, plan: { assertions } });
  expect(reasons(report)).toEqual([]);
  const { record } = report;
  expect(record).toMatchObject({ outcome: 'pass', totals: { rows: 3 } });
  expect(record.assertions).toMatchObject([{ outcome: 'pass', found: '2' }]);
  expect(record.stores[0]!.tables.map(({ name, rows, levels }) => `${name} ${rows} ${levels.L0} ${levels.L2}`)).toEqual(
    ['apps 2 equal equal', 'users 1 equal equal'],
  );
});

test('a store that loses a row fails, and says which', async () => {
  const packed = await packedLake();
  const report = await runOn(packed, {
    recipe: RECIPE,
    keep: 'never',
    tools: {
      openStore: async (options) => {
        const store = await REAL_TOOLS.openStore(options);
        async function* readBack(...args: Parameters<typeof store.readBack>): ReturnType<typeof store.readBack> {
          for await (const batch of store.readBack(...args)) {
            const rows = batch.rows - (args[0].name === 'apps' ? 1 : 0);
            yield { rows, columns: batch.columns.map((column) => column.slice(0, rows)) };
          }
        }
        return withOwn(store, { readBack });
      },
    },
  });
  expect(report.record.outcome).toBe('fail');
  expect(report.record.reasons.map(({ code }) => code)).toContain('ROWS_DIFFER');
  expect(report.record.stores[0]!.tables[0]!.differences[0]).toMatchObject({ level: 'L0', table: 'apps' });
  expect(report.record.exports.map(({ proven }) => proven)).toEqual([false, false, true]);
});

test('keys that are not unique fail as such', async () => {
  const packed = await packedLake({
    'silver/users/dt=1/part-0.csv': 'id\n7\n7\n',
    'silver/apps/dt=1/a.csv': 'id,name\n',
  });
  const report = await runOn(packed, { recipe: RECIPE, keep: 'never' });
  expect(reasons(report)).toEqual(['KEYS_NOT_UNIQUE rebuild']);
});

/** A store with some of its members replaced, also where it is an object of a class. */
function withOwn<T extends object>(store: T, own: Partial<T>): T {
  return new Proxy(store, {
    get: (target, name) => {
      if (name in own) return Reflect.get(own, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
