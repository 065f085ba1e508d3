/**
 * The one door to Ajv: does a value have the shape that a JSON Schema of `schemas/` describes? Ajv and the schemas
 * are loaded at the first question, so that a command which reads no manifest does not wait for them. What a
 * manifest means beyond its shape is in `manifest-rules.ts`.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { FormatsPlugin } from 'ajv-formats';
import { LakepackError } from '../base/errors.js';
import { showValue, type ManifestFault } from './manifest-fault.js';
import { createQuickValidator } from './quick-validator.js';

/** The package's `schemas/`, seen from `src/schema/` and from `dist/schema/` alike. */
const SCHEMA_FOLDER = new URL('../../schemas/', import.meta.url);
const SCHEMA_SUFFIX = '.schema.json';
const SCHEMA_BASE = 'https://lakepack.dev/schemas/';
const isSurelyValid = createQuickValidator(SCHEMA_FOLDER);
/** Ajv keeps an object for every fault: in a larger value only the first one is looked for. */
const MAX_VALUES_FOR_ALL_FAULTS = 100_000;

/**
 * All faults in the shape of `value`, with JSON pointers; none when it is valid. `schemaName` is a file name of
 * `schemas/` without `.schema.json`, such as `export.v1`. Throws INTERNAL when there is no such schema.
 */
export function schemaFaults(schemaName: string, value: unknown): readonly ManifestFault[] {
  if (isSurelyValid(schemaName, value)) return [];
  const quick = validatorFor(schemaName, 'first');
  if (quick(value)) return [];
  if (countValues(value, MAX_VALUES_FOR_ALL_FAULTS) >= MAX_VALUES_FOR_ALL_FAULTS) {
    return [...toFaults(quick.errors), { path: '', message: 'may have more faults: it is too large to list them all' }];
  }
  const thorough = validatorFor(schemaName, 'all');
  thorough(value);
  return toFaults(thorough.errors);
}

type Wanted = 'first' | 'all';
const engines = new Map<Wanted, Ajv2020>();
const validators = new Map<string, ValidateFunction>();

function validatorFor(schemaName: string, wanted: Wanted): ValidateFunction {
  const key = `${wanted} ${schemaName}`;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const validator = engine(wanted).getSchema(`${SCHEMA_BASE}${schemaName}${SCHEMA_SUFFIX}`);
  if (validator === undefined) throw new LakepackError('INTERNAL', `${schemaName}: there is no such schema`);
  validators.set(key, validator);
  return validator;
}

function engine(wanted: Wanted): Ajv2020 {
  let ajv = engines.get(wanted);
  if (ajv === undefined) {
    ajv = createEngine(wanted);
    engines.set(wanted, ajv);
  }
  return ajv;
}

function createEngine(wanted: Wanted): Ajv2020 {
  // `require`, because it is synchronous: a static import would load Ajv for `--help`, a dynamic one would make every reader async.
  const require = createRequire(import.meta.url);
  const { Ajv2020: Engine } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  const { default: addFormats } = require('ajv-formats') as { default: FormatsPlugin };
  const ajv = new Engine({ allErrors: wanted === 'all', verbose: true, strict: true, strictRequired: false });
  addFormats(ajv, ['date-time']);
  for (const schema of readSchemas()) ajv.addSchema(schema);
  return ajv;
}

function readSchemas(): readonly AnySchemaObject[] {
  const names = readdirSync(SCHEMA_FOLDER).filter((name) => name.endsWith(SCHEMA_SUFFIX));
  return names.map((name) => JSON.parse(readFileSync(new URL(name, SCHEMA_FOLDER), 'utf8')) as AnySchemaObject);
}

function countValues(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const child of Object.values(value)) {
    count += countValues(child, limit - count);
    if (count >= limit) break;
  }
  return count;
}

function toFaults(errors: readonly ErrorObject[] | null | undefined): readonly ManifestFault[] {
  return (errors ?? []).filter(tellsSomething).map(toFault);
}

/** `if` repeats what its branch said; the branches of a `oneOf` are told by the `oneOf` itself. */
function tellsSomething(error: ErrorObject): boolean {
  return error.keyword !== 'if' && !/\/oneOf\/\d/.test(error.schemaPath);
}

function toFault(error: ErrorObject): ManifestFault {
  const { instancePath, keyword, params } = error as ErrorObject<string, Readonly<Record<string, unknown>>>;
  if (keyword === 'required') {
    return { path: `${instancePath}/${escapePointer(String(params['missingProperty']))}`, message: 'is missing' };
  }
  if (keyword === 'false schema') return { path: instancePath, message: 'must not stand here' };
  if (keyword === 'oneOf') {
    const got = params['passingSchemas'] === null ? 'none' : 'more than one';
    return { path: instancePath, message: `expected ${expectation(error)}, got ${got}` };
  }
  if (keyword === 'propertyNames') return { path: instancePath, message: 'has a key that is not allowed' };
  return { path: instancePath, message: `expected ${expectation(error)}, got ${showValue(error.data)}` };
}

function expectation(error: ErrorObject): string {
  const { keyword, params } = error as ErrorObject<string, Readonly<Record<string, unknown>>>;
  const { title, description } = (error.parentSchema ?? {}) as { title?: string; description?: string };
  switch (keyword) {
    case 'type':
      return String(params['type']);
    case 'const':
      return JSON.stringify(params['allowedValue']);
    case 'enum':
      return `one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`;
    case 'oneOf':
      return description ?? 'exactly one of several shapes';
    case 'minLength':
    case 'minItems':
    case 'minProperties':
    case 'minimum':
      return `at least ${String(params['limit'])}${unitOf(keyword)}`;
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties':
    case 'maximum':
      return `at most ${String(params['limit'])}${unitOf(keyword)}`;
    case 'multipleOf':
      return `a multiple of ${String(params['multipleOf'])}`;
    default:
      return title ?? `what "${keyword}" says`;
  }
}

function unitOf(keyword: string): string {
  if (keyword.endsWith('Length')) return ' characters';
  if (keyword.endsWith('Items')) return ' items';
  return keyword.endsWith('Properties') ? ' keys' : '';
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
