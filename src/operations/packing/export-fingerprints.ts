/**
 * What packing asks of whoever can make fingerprints of tables (format 5.7), and what it makes of the answers. Packing
 * itself knows no tables: the one who opens a {@link ExportFingerprinter} does.
 */
import type { LakepackError } from '../../base/errors.js';
import { throwIfAborted } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import { sha256Of } from '../../base/sha256.js';
import type { ExportSelection } from '../../lake/contract.js';
import type { ExportFingerprints } from '../../schema/fingerprint.js';

/** Belongs to one lake and one recipe. Who opened it closes it, after the pack. */
export interface ExportFingerprinter {
  /** Names of the tables that a file (lake path) feeds. Pure. */
  tablesFedBy(lakePath: string): readonly string[];
  /** SHA-256 of a table's definition. */
  definitionOf(table: string): string;
  /**
   * Reads the files of exports as tables: a description for each export, by its path. What is wrong with the data of
   * one export is told in its description; thrown is what stops the pack: RECIPE_INVALID, DISK_FULL, INTERRUPTED.
   */
  describe(
    exports: readonly FedExport[],
    call: { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, ExportDescription>>;
}

export interface FedExport {
  readonly path: string;
  /** Lake paths of its files that feed tables, at least one. */
  readonly files: readonly string[];
}

export interface ExportDescription {
  /** Absent when no table could be described. */
  readonly fingerprints?: ExportFingerprints;
  /** Tables that could not be. */
  readonly failures: readonly { readonly table: string; readonly error: LakepackError }[];
}

/** An export that stands in the archive as it is in the lake, but says nothing of some tables that it feeds. */
export interface UndescribedExport {
  readonly exportId: string;
  /** Names of those tables, and the definitions that are asked for. */
  readonly tables: ReadonlyMap<string, string>;
}

/** The tables that a selection feeds, with their definitions. */
export async function fedTables(
  fingerprinter: ExportFingerprinter,
  { entries }: ExportSelection,
): Promise<ReadonlyMap<string, string>> {
  const tables = new Map<string, string>();
  for await (const entry of entries) {
    if (entry.type === 'directory') continue;
    for (const table of fingerprinter.tablesFedBy(entry.path)) {
      if (!tables.has(table)) tables.set(table, fingerprinter.definitionOf(table));
    }
  }
  return tables;
}

/**
 * Of the wanted tables those of which the fingerprints say nothing, or by another definition. That the whole of a table
 * of lake scope has changed meanwhile is no reason: the exports that changed it say what it is now.
 */
export function undescribedTables(
  wanted: ReadonlyMap<string, string>,
  fingerprints: ExportFingerprints | undefined,
): ReadonlyMap<string, string> {
  const tables = fingerprints?.tables ?? {};
  const isThere = (table: string, definition: string): boolean =>
    Object.hasOwn(tables, table) && tables[table]?.definition === definition;
  return new Map([...wanted].filter(([table, definition]) => !isThere(table, definition)));
}

/** One text for a set of definitions, for remembering that an export has them. */
export function definitionsDigest(wanted: ReadonlyMap<string, string>): string {
  return sha256Of(JSON.stringify([...wanted].sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * Has the selections described that feed tables. It is done before they are packed: packing takes only files that are
 * as the scan saw them, so what was read in between was the same bytes.
 */
export async function describeSelections(
  fingerprinter: ExportFingerprinter | undefined,
  selections: readonly ExportSelection[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ExportDescription>> {
  if (fingerprinter === undefined) return new Map();
  const fed: FedExport[] = [];
  for (const { path, entries } of selections) {
    throwIfAborted(signal);
    const files: string[] = [];
    for await (const entry of entries) {
      if (entry.type === 'file' && fingerprinter.tablesFedBy(entry.path).length > 0) files.push(entry.path);
    }
    if (files.length > 0) fed.push({ path, files });
  }
  return fed.length === 0 ? new Map() : await fingerprinter.describe(fed, { signal });
}

/** The archive of the bytes matters most: an export is packed also where its tables cannot be described. */
export function fingerprintFindings(
  exportPath: string,
  description: ExportDescription | undefined,
): readonly Finding[] {
  return (description?.failures ?? []).map(({ table, error }) =>
    finding(
      'FINGERPRINT_FAILED',
      `the table ${table} could not be fingerprinted: ${error.message}`,
      { partition: exportPath },
      { repair: error.hint ?? 'mend the files or the recipe, and run the same command again' },
    ),
  );
}
