/** Digests the rows of one table: of each export's part of it, or of the whole where its SQL looks across files. */
import { lstat } from 'node:fs/promises';
import { isLakepackError, LakepackError, type ErrorCode } from '../base/errors.js';
import { toDiskPath } from '../base/paths.js';
import { sha256Of } from '../base/sha256.js';
import { onDisk } from '../base/system-errors.js';
import type { TableFingerprint } from '../schema/fingerprint.js';
import { createFaultCollector, faultText } from '../schema/manifest-fault.js';
import { schemaFaults } from '../schema/validator.js';
import type { StoreCall, TableSpec } from '../stores/contract.js';
import type { LakeTables } from '../stores/duckdb-source.js';
import { FingerprintBuilder, type TableContent } from '../stores/fingerprint.js';
import { inputsDigestOf } from './inputs-digest.js';

export type Described = { readonly fingerprint: TableFingerprint } | { readonly error: LakepackError };

export interface DescribedTable {
  readonly lake: string;
  readonly table: string;
  readonly definition: string;
  /** Opens the table, made of these lake paths. */
  readonly open: (files: readonly string[]) => Promise<LakeTables>;
}

/** What is wrong with the files of a table, or with what the recipe makes of them. */
const OF_THE_DATA: readonly ErrorCode[] = [
  'RECIPE_INVALID',
  'SOURCE_UNREADABLE',
  'SOURCE_CHANGED',
  'KEYS_NOT_UNIQUE',
  'LIMIT_EXCEEDED',
  'NOT_FOUND',
];

/** The error as a description; thrown again where it is not about the data. */
function failureOf(error: unknown): Described {
  if (isLakepackError(error) && OF_THE_DATA.includes(error.code)) return { error };
  throw error;
}

/**
 * The parts of a table of export scope, by export path.
 * @param files of each export, that feed the table.
 * @throws DISK_FULL, INTERRUPTED.
 */
export async function describeParts(
  one: DescribedTable,
  files: ReadonlyMap<string, readonly string[]>,
  call: StoreCall,
): Promise<ReadonlyMap<string, Described>> {
  try {
    const contents = await contentsOf(one, [...files.values()], call);
    return new Map([...files].map(([path, { length }], at) => [path, partOf(one, contents[at], length)]));
  } catch (error) {
    const failure = failureOf(error);
    const paths = [...files.keys()];
    if (paths.length === 1) return new Map(paths.map((path) => [path, failure]));
    // One damaged file fails the whole query: the halves tell whose it is.
    const half = Math.ceil(paths.length / 2);
    const part = (some: readonly string[]): ReadonlyMap<string, readonly string[]> =>
      new Map(some.map((path) => [path, files.get(path) ?? []]));
    const first = await describeParts(one, part(paths.slice(0, half)), call);
    return new Map([...first, ...(await describeParts(one, part(paths.slice(half)), call))]);
  }
}

async function contentsOf(
  { table, open }: DescribedTable,
  groups: readonly (readonly string[])[],
  call: StoreCall,
): Promise<readonly TableContent[]> {
  const tables = await open(groups.flat());
  try {
    const spec = specOf(tables, table);
    const builders = groups.map(() => new FingerprintBuilder(spec));
    for await (const batch of tables.batchesByGroup(table, groups, call)) {
      for (let row = 0; row < batch.rows; row += 1) builders[batch.groupOf[row] ?? -1]?.addRow(batch, row);
    }
    return builders.map((builder) => builder.content());
  } finally {
    await tables.close();
  }
}

function partOf(one: DescribedTable, content: TableContent | undefined, files: number): Described {
  if (content === undefined) throw new LakepackError('INTERNAL', `${one.table}: an export has no content`);
  return checked(one.table, { definition: one.definition, scope: 'export', files, ...content });
}

/**
 * The whole of a table of lake scope.
 * @param lakeFiles all files that the lake has.
 * @throws DISK_FULL, INTERRUPTED.
 */
export async function describeWhole(
  one: DescribedTable,
  lakeFiles: readonly string[],
  call: StoreCall,
): Promise<Described> {
  const { lake, table, definition, open } = one;
  const tables = await open(lakeFiles);
  const files = tables.inputFiles(table);
  try {
    const before = await lookAt(lake, files);
    const inputs = await inputsDigestOf(lake, files, call.signal);
    const builder = new FingerprintBuilder(specOf(tables, table));
    for await (const batch of tables.rows(table).batches(call)) builder.addBatch(batch);
    if ((await lookAt(lake, files)) !== before) throw changed(table);
    return checked(table, { definition, scope: 'lake', inputs, files: files.length, ...builder.content() });
  } catch (error) {
    return failureOf(error);
  } finally {
    await tables.close();
  }
}

/** Size and time of all the files, as one text. */
async function lookAt(lake: string, files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files) {
    const { size, mtimeNs } = await onDisk(file, () => lstat(toDiskPath(lake, file), { bigint: true }));
    lines.push(`${file}\0${size}\0${mtimeNs}`);
  }
  return sha256Of(lines.join('\n'));
}

function changed(table: string): LakepackError {
  return new LakepackError('SOURCE_CHANGED', `${table}: a file that it is made of changed while it was read`, {
    hint: 'pack again when nothing writes to the lake',
    retryable: true,
  });
}

function specOf(tables: LakeTables, table: string): TableSpec {
  const spec = tables.specs.get(table);
  if (spec === undefined) throw new LakepackError('INTERNAL', `${table}: is no table of the lake`);
  return spec;
}

const NO_RECIPE = { sha256: '0'.repeat(64), content: {} };

/** A manifest with a fingerprint beyond the bounds of the format could not be read back: it is said here instead. */
function checked(table: string, fingerprint: TableFingerprint): Described {
  const faults = schemaFaults('fingerprints.v1', { recipe: NO_RECIPE, tables: { [table]: fingerprint } });
  if (faults.length === 0) return { fingerprint };
  const list = createFaultCollector();
  list.add(faults);
  return { error: new LakepackError('LIMIT_EXCEEDED', faultText(`${table}: its fingerprint`, list)) };
}
