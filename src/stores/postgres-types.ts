/**
 * Which PostgreSQL type a column gets, and the DuckDB expressions that write its values as PostgreSQL reads them. The
 * way back is in `postgres-cells.ts`. Nested values become jsonb, with everything that JSON numbers cannot hold as text.
 */
import { LakepackError } from '../base/errors.js';
import type { LogicalType, TableColumn, TableSpec } from './contract.js';
import { NAME_BYTES } from './postgres-target.js';

/** How vectors are stored: by pgvector, whose functions stand in a schema, or as plain arrays that nothing searches. */
export type VectorSupport = { readonly kind: 'pgvector'; readonly schema: string } | { readonly kind: 'array' };

/** https://github.com/pgvector/pgvector#vector-type: 16,000 elements, of which an HNSW index takes 2,000. */
const PGVECTOR_DIMENSIONS = 16_000;
export const HNSW_DIMENSIONS = 2_000;

/** A column as it is built. `type` is what `format_type` says of it. */
export interface PostgresColumn {
  readonly column: TableColumn;
  readonly logical: LogicalType;
  readonly type: string;
}

/** Throws STORE_REFUSED, naming table and column, for what PostgreSQL cannot hold exactly. */
export function postgresColumns(spec: TableSpec, vectors: VectorSupport): readonly PostgresColumn[] {
  checkName(spec.name, `table ${spec.name}`);
  return spec.columns.map((column) => {
    const subject = `table ${spec.name}, column ${column.name}`;
    checkName(column.name, subject);
    const logical = logicalOf(spec, column);
    refuseNanoseconds(logical, subject);
    return { column, logical, type: typeOf(logical, vectors, subject) };
  });
}

/** The column that the recipe calls a vector is one, however its type came to be written. */
function logicalOf({ vector }: TableSpec, { name, type }: TableColumn): LogicalType {
  return vector?.column === name ? { kind: 'vector', dimensions: vector.dimensions } : type;
}

function checkName(name: string, subject: string): void {
  if (Buffer.byteLength(name) <= NAME_BYTES && !name.includes('\0')) return;
  throw new LakepackError('STORE_REFUSED', `${subject}: the name is too long: expected at most ${NAME_BYTES} bytes`, {
    hint: 'shorten it in the recipe: PostgreSQL would cut it without a word',
  });
}

function refuseNanoseconds(type: LogicalType, subject: string): void {
  if (type.kind === 'timestamp' && type.unit === 'ns') {
    throw new LakepackError('STORE_REFUSED', `${subject}: PostgreSQL keeps microseconds: expected no TIMESTAMP_NS`, {
      hint: 'make it TIMESTAMP, or BIGINT with epoch_ns(…), in the recipe',
    });
  }
  for (const part of partsOf(type)) refuseNanoseconds(part, subject);
}

function partsOf(type: LogicalType): readonly LogicalType[] {
  if (type.kind === 'list') return [type.of];
  if (type.kind === 'struct') return type.fields.map((field) => field.type);
  return type.kind === 'map' ? [type.key, type.value] : [];
}

const PLAIN: Readonly<Partial<Record<LogicalType['kind'], string>>> = {
  boolean: 'boolean',
  text: 'text',
  bytes: 'bytea',
  date: 'date',
  time: 'time without time zone',
  interval: 'interval',
  uuid: 'uuid',
  json: 'jsonb',
  list: 'jsonb',
  struct: 'jsonb',
  map: 'jsonb',
};

function typeOf(type: LogicalType, vectors: VectorSupport, subject: string): string {
  switch (type.kind) {
    case 'integer':
      return integerType(type.bits, type.signed);
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`;
    case 'float':
      return type.bits === 32 ? 'real' : 'double precision';
    case 'timestamp':
      return type.zone ? 'timestamp with time zone' : 'timestamp without time zone';
    case 'vector':
      return vectorType(type.dimensions, vectors, subject);
    default:
      return PLAIN[type.kind] ?? 'text';
  }
}

/** The smallest that holds all values. */
function integerType(bits: number, signed: boolean): string {
  const needed = signed ? bits : bits + 1;
  if (needed <= 16) return 'smallint';
  if (needed <= 32) return 'integer';
  if (needed <= 64) return 'bigint';
  return bits === 64 ? 'numeric(20,0)' : 'numeric(39,0)';
}

function vectorType(dimensions: number, vectors: VectorSupport, subject: string): string {
  if (vectors.kind === 'array') return 'real[]';
  if (dimensions <= PGVECTOR_DIMENSIONS) return `vector(${dimensions})`;
  throw new LakepackError(
    'STORE_REFUSED',
    `${subject}: the vector is too long for pgvector: expected at most ${PGVECTOR_DIMENSIONS} elements, got ${dimensions}`,
    { hint: 'leave the table out of this store in the recipe' },
  );
}

/** The DuckDB expression whose CSV text PostgreSQL reads as the same value; undefined: DuckDB's own text will do. */
export function csvExpression({ column, logical, type }: PostgresColumn): string | undefined {
  const name = quoted(column.name);
  switch (logical.kind) {
    case 'bytes':
      return `'\\x' || lower(hex(${name}))`;
    case 'date':
    case 'timestamp':
      return momentText(name, logical);
    case 'vector':
      return type === 'real[]' ? `translate(CAST(${name} AS VARCHAR), '[]', '{}')` : undefined;
    case 'list':
    case 'struct':
    case 'map':
      return `CAST(${jsonExpression(name, logical, 0)} AS VARCHAR)`;
    default:
      return undefined;
  }
}

/** DuckDB writes `0044-03-15 (BC) …`; and moments in its session's zone, unless they are made plain first. */
function momentText(value: string, type: LogicalType): string {
  if (type.kind !== 'timestamp' || !type.zone) return withoutBrackets(`CAST(${value} AS VARCHAR)`);
  const utc = withoutBrackets(`CAST(make_timestamp(epoch_us(${value})) AS VARCHAR)`);
  return `CASE WHEN isinf(${value}) THEN CAST(${value} AS VARCHAR) ELSE ${utc} || '+00' END`;
}

function withoutBrackets(text: string): string {
  return `replace(${text}, '(BC)', 'BC')`;
}

/**
 * JSON of a nested value: small integers, booleans and finite floats as they are; wide integers, decimals, NaN, and all
 * else as text (bytes in base64); a struct as an object, a map as an array of pairs.
 */
function jsonExpression(value: string, type: LogicalType, depth: number): string {
  const element = `e${depth}`;
  switch (type.kind) {
    case 'list':
      return `to_json(list_transform(${value}, lambda ${element}: ${jsonExpression(element, type.of, depth + 1)}))`;
    case 'struct':
      return `CASE WHEN ${value} IS NULL THEN NULL ELSE ${jsonObject(value, type.fields, depth)} END`;
    case 'map': {
      const key = jsonExpression(`${element}.key`, type.key, depth + 1);
      const pair = `json_array(${key}, ${jsonExpression(`${element}.value`, type.value, depth + 1)})`;
      return `to_json(list_transform(map_entries(${value}), lambda ${element}: ${pair}))`;
    }
    default:
      return jsonLeaf(value, type);
  }
}

function jsonObject(
  value: string,
  fields: readonly { readonly name: string; readonly type: LogicalType }[],
  depth: number,
): string {
  const pairs = fields.map(({ name, type }) => {
    return `${literal(name)}, ${jsonExpression(`struct_extract(${value}, ${literal(name)})`, type, depth)}`;
  });
  return `json_object(${pairs.join(', ')})`;
}

const SAFE_BITS = 32;

function jsonLeaf(value: string, type: LogicalType): string {
  const text = `CAST(${value} AS VARCHAR)`;
  if (type.kind === 'boolean') return `to_json(${value})`;
  if (type.kind === 'integer' && type.bits <= SAFE_BITS) return `to_json(${value})`;
  // The shortest text of a float, which to_json does not write of a 32-bit one.
  if (type.kind === 'float') {
    return `CASE WHEN isfinite(${value}) THEN CAST(${text} AS JSON) ELSE to_json(${text}) END`;
  }
  if (type.kind === 'bytes') return `to_json(base64(${value}))`;
  if (type.kind === 'date' || type.kind === 'timestamp') return `to_json(${momentText(value, type)})`;
  return `to_json(${text})`;
}

/** A name in double quotes, in both dialects of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
