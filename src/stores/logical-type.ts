/**
 * From the SQL type that a recipe gives a column to the kind of its values, and back to the type under which DuckDB
 * holds it. It answers for refusing what the other engines could not keep. It knows no engine's library.
 */
import { LakepackError } from '../base/errors.js';
import { type TypeToken, typeTokens } from './type-tokens.js';
import type { LogicalType } from './contract.js';

const INTEGERS: Readonly<Record<string, { readonly bits: 8 | 16 | 32 | 64 | 128; readonly signed: boolean }>> = {
  TINYINT: { bits: 8, signed: true },
  INT1: { bits: 8, signed: true },
  SMALLINT: { bits: 16, signed: true },
  INT2: { bits: 16, signed: true },
  SHORT: { bits: 16, signed: true },
  INTEGER: { bits: 32, signed: true },
  INT: { bits: 32, signed: true },
  INT4: { bits: 32, signed: true },
  BIGINT: { bits: 64, signed: true },
  INT8: { bits: 64, signed: true },
  LONG: { bits: 64, signed: true },
  HUGEINT: { bits: 128, signed: true },
  INT128: { bits: 128, signed: true },
  UTINYINT: { bits: 8, signed: false },
  USMALLINT: { bits: 16, signed: false },
  UINTEGER: { bits: 32, signed: false },
  UBIGINT: { bits: 64, signed: false },
  UHUGEINT: { bits: 128, signed: false },
};

const SIMPLE: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: { kind: 'boolean' },
  BOOL: { kind: 'boolean' },
  VARCHAR: { kind: 'text' },
  TEXT: { kind: 'text' },
  STRING: { kind: 'text' },
  BLOB: { kind: 'bytes' },
  BYTEA: { kind: 'bytes' },
  VARBINARY: { kind: 'bytes' },
  DATE: { kind: 'date' },
  TIME: { kind: 'time' },
  INTERVAL: { kind: 'interval' },
  UUID: { kind: 'uuid' },
  JSON: { kind: 'json' },
  FLOAT: { kind: 'float', bits: 32 },
  FLOAT4: { kind: 'float', bits: 32 },
  REAL: { kind: 'float', bits: 32 },
  DOUBLE: { kind: 'float', bits: 64 },
  FLOAT8: { kind: 'float', bits: 64 },
  TIMESTAMP: { kind: 'timestamp', unit: 'us', zone: false },
  DATETIME: { kind: 'timestamp', unit: 'us', zone: false },
  TIMESTAMP_US: { kind: 'timestamp', unit: 'us', zone: false },
  TIMESTAMP_S: { kind: 'timestamp', unit: 'us', zone: false },
  TIMESTAMP_MS: { kind: 'timestamp', unit: 'us', zone: false },
  TIMESTAMP_NS: { kind: 'timestamp', unit: 'ns', zone: false },
  TIMESTAMPTZ: { kind: 'timestamp', unit: 'us', zone: true },
  'TIMESTAMP WITH TIME ZONE': { kind: 'timestamp', unit: 'us', zone: true },
};

/** DuckDB's own, where a recipe says DECIMAL alone. */
const DEFAULT_DECIMAL = { kind: 'decimal', precision: 18, scale: 3 } as const;
const MAX_DECIMAL_PRECISION = 38;
const MAX_NESTING = 16;

/**
 * The kind of a column's values. `FLOAT[384]` is a list here: that it is the vector is said by the recipe, see
 * `vectorType`. `where` begins the message. Throws RECIPE_INVALID for a type that is none, or that not every engine
 * can keep (UNION, BIT, ENUM, TIMETZ …).
 */
export function logicalTypeOf(sqlType: string, where: string): LogicalType {
  const tokens = typeTokens(sqlType);
  const parser = tokens === undefined ? undefined : new TypeParser(tokens);
  const type = parser?.whole();
  if (type !== undefined) return type;
  throw new LakepackError('RECIPE_INVALID', `${where}: is not a type of columns: got ${JSON.stringify(sqlType)}`, {
    hint: 'docs/recipes.md lists the types, such as VARCHAR, BIGINT, DECIMAL(10,2), TIMESTAMP, VARCHAR[], STRUCT(a INTEGER)',
  });
}

export function vectorType(dimensions: number): LogicalType {
  return { kind: 'vector', dimensions };
}

/** The type under which DuckDB holds such values. */
export function duckDbTypeOf(type: LogicalType): string {
  switch (type.kind) {
    case 'boolean':
    case 'date':
    case 'time':
    case 'interval':
    case 'uuid':
    case 'json':
      return type.kind.toUpperCase();
    case 'text':
      return 'VARCHAR';
    case 'bytes':
      return 'BLOB';
    case 'integer':
      return integerName(type.bits, type.signed);
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'float':
      return type.bits === 32 ? 'FLOAT' : 'DOUBLE';
    case 'timestamp':
      if (type.zone) return 'TIMESTAMP WITH TIME ZONE';
      return type.unit === 'ns' ? 'TIMESTAMP_NS' : 'TIMESTAMP';
    case 'list':
      return `${duckDbTypeOf(type.of)}[]`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quoted(field.name)} ${duckDbTypeOf(field.type)}`).join(', ')})`;
    case 'map':
      return `MAP(${duckDbTypeOf(type.key)}, ${duckDbTypeOf(type.value)})`;
    case 'vector':
      return `FLOAT[${type.dimensions}]`;
  }
}

function integerName(bits: number, signed: boolean): string {
  const names = Object.entries(INTEGERS).filter(([, one]) => one.bits === bits && one.signed === signed);
  return names[0]?.[0] ?? 'HUGEINT';
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Recursive descent; every method gives undefined where the text is no type. */
class TypeParser {
  readonly #tokens: readonly TypeToken[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly TypeToken[]) {
    this.#tokens = tokens;
  }

  whole(): LogicalType | undefined {
    const type = this.#type();
    return this.#at === this.#tokens.length ? type : undefined;
  }

  #type(): LogicalType | undefined {
    this.#depth += 1;
    const base = this.#depth > MAX_NESTING ? undefined : this.#base();
    this.#depth -= 1;
    return base === undefined ? undefined : this.#withBrackets(base);
  }

  #withBrackets(base: LogicalType): LogicalType | undefined {
    let type = base;
    while (this.#take('[')) {
      if (this.#peek()?.kind === 'number') this.#at += 1;
      if (!this.#take(']')) return undefined;
      type = { kind: 'list', of: type };
    }
    return type;
  }

  #base(): LogicalType | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word') return undefined;
    this.#at += 1;
    const name = this.#longName(token.text.toUpperCase());
    if (name === 'STRUCT' || name === 'ROW') return this.#struct();
    if (name === 'MAP') return this.#map();
    if (name === 'DECIMAL' || name === 'NUMERIC') return this.#decimal();
    const bits = Object.hasOwn(INTEGERS, name) ? INTEGERS[name] : undefined;
    if (bits !== undefined) return { kind: 'integer', ...bits };
    if (name === 'VARCHAR' && this.#take('('))
      return this.#number() !== undefined && this.#take(')') ? SIMPLE[name] : undefined;
    return Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
  }

  #longName(first: string): string {
    const rest = first === 'TIMESTAMP' ? ['WITH', 'TIME', 'ZONE'] : first === 'DOUBLE' ? ['PRECISION'] : [];
    const isLong = rest.length > 0 && rest.every((word, index) => this.#wordAt(this.#at + index) === word);
    if (!isLong) return first;
    this.#at += rest.length;
    return first === 'DOUBLE' ? first : [first, ...rest].join(' ');
  }

  #wordAt(index: number): string | undefined {
    const token = this.#tokens[index];
    return token?.kind === 'word' ? token.text.toUpperCase() : undefined;
  }

  #decimal(): LogicalType | undefined {
    if (!this.#take('(')) return DEFAULT_DECIMAL;
    const precision = this.#number();
    const scale = this.#take(',') ? this.#number() : 0;
    if (precision === undefined || scale === undefined || !this.#take(')')) return undefined;
    if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale > precision) return undefined;
    return { kind: 'decimal', precision, scale };
  }

  #struct(): LogicalType | undefined {
    const fields: { name: string; type: LogicalType }[] = [];
    if (!this.#take('(')) return undefined;
    do {
      const name = this.#tokens[this.#at];
      if (name?.kind !== 'word' && name?.kind !== 'quoted') return undefined;
      this.#at += 1;
      const type = this.#type();
      if (type === undefined) return undefined;
      fields.push({ name: name.text, type });
    } while (this.#take(','));
    return this.#take(')') ? { kind: 'struct', fields } : undefined;
  }

  #map(): LogicalType | undefined {
    if (!this.#take('(')) return undefined;
    const key = this.#type();
    const value = this.#take(',') ? this.#type() : undefined;
    if (key === undefined || value === undefined || !this.#take(')')) return undefined;
    return { kind: 'map', key, value };
  }

  #number(): number | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'number') return undefined;
    this.#at += 1;
    return Number(token.text);
  }

  #peek(): TypeToken | undefined {
    return this.#tokens[this.#at];
  }

  #take(sign: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at += 1;
    return true;
  }
}
