/**
 * The one place that reads recipes (docs/recipes.md): bounded, the shape first (all faults), then the rules (all
 * faults); and the digests by which two recipes are told to mean the same. Whether a type or a query is one that the
 * engine knows is found out where lake files are opened as tables.
 */
import { LakepackError } from '../base/errors.js';
import { KIB } from '../base/limits.js';
import { sha256Of } from '../base/sha256.js';
import { canonicalJson } from './canonical-json.js';
import { readJsonText } from './json-text.js';
import { createFaultCollector, type FaultCollector, faultText, type ManifestFault } from './manifest-fault.js';
import { recipeFaults } from './recipe-rules.js';
import type { Recipe, RecipeTable } from './recipe.js';
import { schemaFaults } from './validator.js';

/** A recipe is written by hand, and stands in every manifest that has fingerprints. */
export const MAX_RECIPE_BYTES = 256 * KIB;

/**
 * Reads a recipe: the bytes of a file, or a JSON value from a manifest. `where` (a file, a manifest) begins the
 * message. Unknown fields are kept. Throws RECIPE_INVALID with every fault and its path.
 */
export function parseRecipe(value: unknown, where: string): Recipe {
  const collector = createFaultCollector();
  const content = value instanceof Uint8Array ? fromBytes(value, collector) : fromValue(value, collector);
  if (collector.count === 0) collector.add(schemaFaults('recipe.v1', content));
  if (collector.count === 0) collector.add(recipeFaults(content as Recipe));
  if (collector.count === 0) return content as Recipe;
  throw new LakepackError('RECIPE_INVALID', faultText(where, collector), {
    hint: 'docs/recipes.md describes a recipe; `lakepack recipe init LAKE` writes one',
  });
}

function fromBytes(bytes: Uint8Array, collector: FaultCollector): unknown {
  const reading = readJsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), MAX_RECIPE_BYTES);
  if (reading.ok) return reading.value;
  collector.add([reading.fault]);
  return undefined;
}

function fromValue(value: unknown, collector: FaultCollector): unknown {
  const fault = sizeFault(value);
  if (fault !== undefined) collector.add([fault]);
  return value;
}

function sizeFault(value: unknown): ManifestFault | undefined {
  const bytes = value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_RECIPE_BYTES) return undefined;
  return { path: '', message: `is too large: expected at most ${MAX_RECIPE_BYTES} bytes, got ${bytes}` };
}

/**
 * SHA-256 (hex) of what decides a table's rows: `from`, `format`, `hive`, `csv`, `sql`, `columns` in their order,
 * `keys` and `vector`; defaults made whole. Notes and indexes do not change it.
 */
export function definitionOf(table: RecipeTable): string {
  const { from, format, hive, csv, sql, columns, keys, vector } = table;
  const definition = {
    from,
    format: format ?? null,
    hive: hive ?? true,
    csv: { delimiter: csv?.delimiter ?? ',', header: csv?.header ?? true },
    sql: sql ?? null,
    columns: Object.entries(columns),
    keys: keys ?? [],
    vector: vector === undefined ? null : [vector.column, vector.dimensions, vector.metric],
  };
  return sha256Of(canonicalJson(definition));
}

/** SHA-256 (hex) of a recipe's canonical JSON: white space and the order of keys do not change it, but of columns. */
export function recipeDigest(recipe: Recipe): string {
  const columnOrders = Object.entries(recipe.tables).map(([name, table]) => [name, Object.keys(table.columns)]);
  return sha256Of(canonicalJson([recipe, Object.fromEntries(columnOrders)]));
}
