/**
 * Rows as items of a container, and back. It answers for which property holds which column, for an item's id and for
 * the partition key; what single values look like is in `cosmos-values.ts`. Pure.
 */
import { LakepackError } from '../base/errors.js';
import type { RecipeStore } from '../schema/recipe.js';
import type { Cell, LogicalType, RowBatch, TableColumn, TableSpec } from './contract.js';
import { itemId, propertyNames, propertyPath } from './cosmos-names.js';
import { fromJson, toJson, type JsonValue } from './cosmos-values.js';

export type Item = { readonly id: string } & Readonly<Record<string, JsonValue>>;

interface ItemProperty extends TableColumn {
  readonly property: string;
}

/** How a table's rows become items. */
export interface ItemShape {
  readonly spec: TableSpec;
  readonly columns: readonly ItemProperty[];
  readonly partitionPath: string;
  readonly vectorPath: string | undefined;
}

/** Kinds that Cosmos takes as the value of a partition key: what is one string, number or boolean. */
const SCALARS: ReadonlySet<LogicalType['kind']> = new Set<LogicalType['kind']>([
  'boolean',
  'text',
  'bytes',
  'date',
  'time',
  'uuid',
  'integer',
  'decimal',
  'float',
  'timestamp',
]);

/** @throws STORE_REFUSED: no key, or a partition key that cannot be one. */
export function itemShape(spec: TableSpec, settings: RecipeStore): ItemShape {
  const names = propertyNames(spec.columns.map(({ name }) => name));
  const columns = spec.columns.map((column, index) => ({ ...column, property: names[index] ?? column.name }));
  const [firstKey] = spec.keys;
  if (firstKey === undefined) throw withoutKeys(spec);
  const partition = columns.find(({ name }) => name === (settings.partitionKeys?.[spec.name] ?? firstKey));
  if (partition === undefined || !SCALARS.has(partition.type.kind)) throw badPartition(spec, settings, partition);
  const vector = columns.find(({ name }) => name === spec.vector?.column);
  return {
    spec,
    columns,
    partitionPath: propertyPath(partition.property),
    vectorPath: vector === undefined ? undefined : propertyPath(vector.property),
  };
}

export function itemOf(shape: ItemShape, batch: RowBatch, row: number): Item {
  const item: Record<string, JsonValue> = {};
  shape.columns.forEach(({ property, type }, index) => {
    item[property] = toJson(batch.columns[index]?.[row] ?? null, type);
  });
  return { ...item, id: itemId(keyProperties(shape).map((property) => item[property] ?? null)) };
}

/** The cells that an item has for the table's columns, in their order. */
export function cellsOf(shape: ItemShape, item: Readonly<Record<string, unknown>>): readonly Cell[] {
  return shape.columns.map(({ property, type }) =>
    fromJson(Object.hasOwn(item, property) ? item[property] : undefined, type),
  );
}

/** Of the key columns, in the order of the keys. */
export function keyProperties({ spec, columns }: ItemShape): readonly string[] {
  return spec.keys.map((key) => columns.find(({ name }) => name === key)?.property ?? key);
}

/** As people read it: `cve_id=CVE-2024-1, dt=2024-05-01`. */
export function keyForReader(shape: ItemShape, item: Item): string {
  const values = keyProperties(shape).map((property) => item[property] ?? null);
  return shape.spec.keys
    .map((key, index) => `${key}=${textForReader(values[index] ?? null)}`)
    .join(', ')
    .slice(0, 200);
}

function textForReader(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function withoutKeys({ name }: TableSpec): LakepackError {
  return new LakepackError('STORE_REFUSED', `table ${name}: has no key: cosmos needs one to tell items apart`, {
    hint: `give the recipe's table ${name} its \`keys\`, or leave it out of this store's \`tables\``,
  });
}

function badPartition(spec: TableSpec, settings: RecipeStore, column: TableColumn | undefined): LakepackError {
  const name = settings.partitionKeys?.[spec.name] ?? spec.keys[0] ?? '';
  const found = column === undefined ? 'no such column' : column.sqlType;
  return new LakepackError(
    'STORE_REFUSED',
    `table ${spec.name}: ${name} cannot be the partition key: expected a column of text, numbers or times, got ${found}`,
    { hint: `name another column in the recipe's store, under partitionKeys.${spec.name}` },
  );
}
