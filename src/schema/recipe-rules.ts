/**
 * What a recipe means beyond its shape: names that name something, names that are not twins, a vector column that
 * can hold the vectors. Pure; every fault is returned with its JSON pointer.
 */
import type { ManifestFault } from './manifest-fault.js';
import { showValue } from './manifest-fault.js';
import type { Recipe, RecipeStore, RecipeTable } from './recipe.js';

/** All faults in the meaning of a recipe whose shape is right. */
export function recipeFaults(recipe: Recipe): readonly ManifestFault[] {
  const tables = Object.entries(recipe.tables);
  return [
    ...twinFaults(Object.keys(recipe.tables), '/tables'),
    ...twinFaults(Object.keys(recipe.stores), '/stores'),
    ...tables.flatMap(([name, table]) => tableFaults(table, `/tables/${name}`)),
    ...Object.entries(recipe.stores).flatMap(([name, store]) => storeFaults(store, recipe, `/stores/${name}`)),
  ];
}

/** Most engines take `Id` and `id` for the same name. */
function twinFaults(names: readonly string[], path: string): readonly ManifestFault[] {
  const seen = new Map<string, string>();
  return names.flatMap((name) => {
    const twin = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (twin === undefined) return [];
    return [{ path: `${path}/${pointer(name)}`, message: `differs from ${showValue(twin)} by case only` }];
  });
}

function tableFaults(table: RecipeTable, path: string): readonly ManifestFault[] {
  const columns = Object.keys(table.columns);
  return [
    ...table.from.flatMap((glob, index) => globFaults(glob, `${path}/from/${index}`)),
    ...twinFaults(columns, `${path}/columns`),
    ...nameFaults(table.keys ?? [], columns, `${path}/keys`),
    ...(table.indexes ?? []).flatMap((index, at) =>
      nameFaults(index.columns, columns, `${path}/indexes/${at}/columns`),
    ),
    ...vectorFaults(table, path),
  ];
}

/** Globs are over lake paths: relative, with `/`. */
function globFaults(glob: string, path: string): readonly ManifestFault[] {
  const isOutside = glob.startsWith('/') || glob.startsWith('!') || glob.split('/').includes('..');
  if (!isOutside) return [];
  return [
    {
      path,
      message: `expected a glob of paths in the lake, such as "silver/orders/**/*.parquet", got ${showValue(glob)}`,
    },
  ];
}

function nameFaults(names: readonly string[], columns: readonly string[], path: string): readonly ManifestFault[] {
  return names.flatMap((name, index) => {
    if (columns.includes(name)) return [];
    return [{ path: `${path}/${index}`, message: `expected the name of a column, got ${showValue(name)}` }];
  });
}

function vectorFaults(table: RecipeTable, path: string): readonly ManifestFault[] {
  const { vector } = table;
  if (vector === undefined) return [];
  const sqlType = table.columns[vector.column];
  if (sqlType === undefined) return nameFaults([vector.column], [], `${path}/vector`).map(withoutIndex);
  if ((table.keys ?? []).includes(vector.column)) {
    return [{ path: `${path}/keys`, message: `expected columns that name a row, got the vector ${vector.column}` }];
  }
  const wanted = new RegExp(`^(float|float4|real)\\s*\\[\\s*(${vector.dimensions})?\\s*\\]$`, 'i');
  if (wanted.test(sqlType.trim())) return [];
  return [
    {
      path: `${path}/columns/${pointer(vector.column)}`,
      message: `expected FLOAT[${vector.dimensions}] or FLOAT[], because it is the vector, got ${showValue(sqlType)}`,
    },
  ];
}

function withoutIndex(fault: ManifestFault): ManifestFault {
  return { ...fault, path: fault.path.replace(/\/0$/, '/column') };
}

function storeFaults(store: RecipeStore, recipe: Recipe, path: string): readonly ManifestFault[] {
  const isTable = (name: string): boolean => Object.hasOwn(recipe.tables, name);
  const strange = (store.tables ?? []).flatMap((name, index) =>
    isTable(name)
      ? []
      : [{ path: `${path}/tables/${index}`, message: `expected the name of a table, got ${showValue(name)}` }],
  );
  const partitions = Object.entries(store.partitionKeys ?? {}).flatMap(([name, column]) => {
    const at = `${path}/partitionKeys/${pointer(name)}`;
    const table = isTable(name) ? recipe.tables[name] : undefined;
    if (table === undefined) return [{ path: at, message: 'is not the name of a table' }];
    return nameFaults([column], Object.keys(table.columns), at).map((fault) => ({ ...fault, path: at }));
  });
  return [...strange, ...partitions];
}

function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
