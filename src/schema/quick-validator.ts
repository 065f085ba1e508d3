/**
 * A quick first answer to what `validator.ts` asks: "surely valid", or "ask Ajv". It reads the same files of `schemas/` and
 * knows the keywords that sound manifests and entries need; whatever else a schema says makes it unsure. So a reader of
 * sound manifests never waits for Ajv, which takes longer to compile a schema than to check a hundred thousand entries.
 */
import { existsSync, readFileSync } from 'node:fs';

type Check = (value: unknown) => boolean;
type Schema = Readonly<Record<string, unknown>>;

/**
 * Answers "surely valid" with true; false says nothing: then Ajv knows. The name of a schema is a file name without
 * `.schema.json`; of one that is not there nothing is sure.
 * @param folder holds the schemas.
 */
export function createQuickValidator(folder: URL): (schemaName: string, value: unknown) => boolean {
  const checks = new Map<string, Check>();
  const library = new SchemaLibrary(folder);
  return (schemaName, value) => {
    let check = checks.get(schemaName);
    if (check === undefined) {
      check = library.check(`${schemaName}.schema.json`);
      checks.set(schemaName, check);
    }
    return check(value);
  };
}

/** Schemas and parts of schemas, each read and compiled once, by file name with a JSON pointer behind `#` or without. */
class SchemaLibrary {
  readonly #folder: URL;
  readonly #documents = new Map<string, unknown>();
  readonly #checks = new Map<string, Check>();

  constructor(folder: URL) {
    this.#folder = folder;
  }

  check(ref: string): Check {
    let check = this.#checks.get(ref);
    if (check === undefined) {
      check = compile(this.#find(ref), { library: this, file: ref.replace(/#.*/, '') });
      this.#checks.set(ref, check);
    }
    return check;
  }

  #find(ref: string): unknown {
    const [file = '', pointer = ''] = ref.split('#');
    let found = this.#documents.get(file);
    if (found === undefined) {
      const url = new URL(file, this.#folder);
      found = existsSync(url) ? (JSON.parse(readFileSync(url, 'utf8')) as unknown) : undefined;
      this.#documents.set(file, found);
    }
    for (const name of pointer.split('/').slice(1)) found = isObject(found) ? found[name] : undefined;
    return found;
  }
}

interface Place {
  readonly library: SchemaLibrary;
  readonly file: string;
}

const UNSURE: Check = () => false;
/** Keywords that say nothing of a value (JSON Schema 2020-12, core 8 and validation 9). */
const SILENT = new Set(['$schema', '$id', '$defs', '$comment', 'title', 'description', 'examples', 'then', 'else']);

function compile(schema: unknown, place: Place): Check {
  if (schema === true) return () => true;
  if (!isObject(schema)) return UNSURE;
  const all: Check[] = [];
  for (const [keyword, wanted] of Object.entries(schema)) {
    if (SILENT.has(keyword)) continue;
    const check = KEYWORDS[keyword]?.(wanted, place, schema);
    if (check === undefined) return UNSURE;
    all.push(check);
  }
  const [first = () => true, second] = all;
  if (second === undefined) return first;
  return (value) => {
    for (const check of all) if (!check(value)) return false;
    return true;
  };
}

/** Undefined where this one is not known well enough. */
type Keyword = (wanted: unknown, place: Place, schema: Schema) => Check | undefined;

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $ref: (ref, { library, file }) =>
    refCheck(library, String(ref).startsWith('#') ? `${file}${String(ref)}` : String(ref)),
  type: (type) => TYPES[String(type)],
  const: (wanted) => (isObject(wanted) || Array.isArray(wanted) ? undefined : (value) => value === wanted),
  enum: (wanted) => {
    const values = new Set(wanted as readonly unknown[]);
    return (value) => values.has(value);
  },
  required: (names) => (value) => !isObject(value) || hasAll(value, names as readonly string[]),
  properties: (properties, place) => propertiesCheck(properties as Schema, place),
  additionalProperties: (additional, place, { properties }) => {
    const check = compile(additional, place);
    const known = new Set(Object.keys(isObject(properties) ? properties : {}));
    return (value) => !isObject(value) || Object.keys(value).every((key) => known.has(key) || check(value[key]));
  },
  propertyNames: (names, place) => {
    const check = compile(names, place);
    return (value) => !isObject(value) || Object.keys(value).every(check);
  },
  maxProperties: (most) => (value) => !isObject(value) || Object.keys(value).length <= Number(most),
  items: (items, place) => {
    const check = compile(items, place);
    return (value) => !Array.isArray(value) || value.every(check);
  },
  minItems: (least) => (value) => !Array.isArray(value) || value.length >= Number(least),
  maxItems: (most) => (value) => !Array.isArray(value) || value.length <= Number(most),
  minimum: (least) => (value) => typeof value !== 'number' || value >= Number(least),
  maximum: (most) => (value) => typeof value !== 'number' || value <= Number(most),
  multipleOf: (of) => (value) => typeof value !== 'number' || (Number.isSafeInteger(value) && value % Number(of) === 0),
  // Lengths are characters, of which a string has no more than units of UTF-16, and at least half as many.
  minLength: (least) => (value) => typeof value !== 'string' || value.length >= 2 * Number(least) - 1,
  maxLength: (most) => (value) => typeof value !== 'string' || value.length <= Number(most),
  pattern: (source) => {
    const pattern = new RegExp(String(source), 'u');
    return (value) => typeof value !== 'string' || pattern.test(value);
  },
  format: (format) => (format === 'date-time' ? isPlainTime : undefined),
  if: (condition, place, { then = true, else: other = true }) => {
    if (!isDecided(condition)) return undefined;
    const [test, whenTrue, whenFalse] = [compile(condition, place), compile(then, place), compile(other, place)];
    return (value) => (test(value) ? whenTrue(value) : whenFalse(value));
  },
  oneOf: (branches, place) => {
    const all = branches as readonly unknown[];
    if (!all.every(isDecided)) return undefined;
    const tests = all.map((branch) => compile(branch, place));
    return (value) => tests.filter((test) => test(value)).length === 1;
  },
};

const TYPES: Readonly<Record<string, Check>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

/** Looked up when it is first needed: schemas may refer to themselves. */
function refCheck(library: SchemaLibrary, ref: string): Check {
  let check: Check | undefined;
  return (value) => {
    check ??= library.check(ref);
    return check(value);
  };
}

function propertiesCheck(properties: Schema, place: Place): Check {
  const all = Object.entries(properties).map(([key, schema]) => ({ key, check: compile(schema, place) }));
  return (value) => {
    if (!isObject(value)) return true;
    for (const { key, check } of all) {
      const found = value[key];
      if (found !== undefined && !check(found)) return false;
    }
    return true;
  };
}

/** Where `false` means "surely not valid": what a choice between schemas hangs on. */
function isDecided(schema: unknown): boolean {
  return isObject(schema) && Object.keys(schema).every((keyword) => keyword === 'required' || keyword === 'type');
}

function hasAll(value: Schema, names: readonly string[]): boolean {
  for (const name of names) if (value[name] === undefined) return false;
  return true;
}

const PLAIN_TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?Z$/;

/** RFC 3339 in UTC, without leap seconds, of a day that there is. */
function isPlainTime(value: unknown): boolean {
  if (typeof value !== 'string') return true;
  if (!PLAIN_TIME.test(value)) return false;
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value.slice(0, 10));
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
