/**
 * What a table must contain, by the words of the exports it was restored from; or why they do not say it. Where they
 * do not, a drill works the expectation out anew from the restored files.
 */
import type { ExportRef } from '../archive/layout.js';
import type { ExportManifest } from '../schema/export-manifest.js';
import type { TableFingerprint } from '../schema/fingerprint.js';
import type { TableSpec } from '../stores/contract.js';
import { addContents, type TableContent } from '../stores/fingerprint.js';

/** An export that was restored, whole. */
export interface RestoredExport {
  readonly ref: ExportRef;
  readonly manifest: ExportManifest;
}

export type Expectation =
  | { readonly content: TableContent }
  /** One sentence for a reader. */
  | { readonly because: string };

/**
 * The expectation for one table, from the manifests of all exports that were restored into one folder.
 * @param definition SHA-256 of the table's definition in the recipe that is used now.
 * @param files lake paths of the restored files that the table is made of.
 * @param inputsDigest of these files (`inputsDigestOf`); asked for a table of lake scope only.
 */
export async function expectationFor(
  table: string,
  spec: TableSpec,
  scope: 'export' | 'lake',
  definition: string,
  exports: readonly RestoredExport[],
  files: readonly string[],
  inputsDigest: () => Promise<string>,
): Promise<Expectation> {
  const said = exports.flatMap(({ manifest }) => {
    const fingerprint = manifest.fingerprints?.tables[table];
    return fingerprint === undefined ? [] : [fingerprint];
  });
  if (said.length === 0) return { because: 'no export was packed with fingerprints of this table' };
  const same = said.filter((one) => one.definition === definition && one.scope === scope);
  if (same.length === 0) return { because: 'the exports were packed with another definition of this table' };
  if (scope === 'lake') return fromWholeTable(same, await inputsDigest());
  const twice = fileInTwo(exports, new Set(files));
  if (twice !== undefined) return { because: `${twice} stands in two of the exports` };
  if (mayOverlapUnseen(exports)) return { because: 'exports of different groupings may have the same files' };
  return fromParts(spec, same, files.length);
}

/** It holds for all of the files it was made of, and for no others. */
function fromWholeTable(said: readonly TableFingerprint[], inputs: string): Expectation {
  const fitting = said.find((one) => one.inputs === inputs);
  if (fitting !== undefined) return { content: contentOf(fitting) };
  return { because: 'its SQL looks across files, and the exports speak of other files than were restored' };
}

/** The parts are all there when the files they were made of are as many as were restored. */
function fromParts(spec: TableSpec, said: readonly TableFingerprint[], restored: number): Expectation {
  const described = said.reduce((sum, one) => sum + one.files, 0);
  if (described === restored) return { content: addContents(spec, said.map(contentOf)) };
  const which = described < restored ? 'not all of its files' : 'more files than were restored';
  return { because: `the exports' fingerprints describe ${which}: ${described}, and ${restored} were restored` };
}

/** A file that two exports have (one by run, one by partition) would be counted twice. */
function fileInTwo(exports: readonly RestoredExport[], files: ReadonlySet<string>): string | undefined {
  const seen = new Set<string>();
  for (const { manifest } of exports) {
    for (const { path } of manifest.files ?? []) {
      if (!files.has(path)) continue;
      if (seen.has(path)) return path;
      seen.add(path);
    }
  }
  return undefined;
}

/** Lists of files that are not in the manifests are not read for this: what could be hidden there is taken for so. */
function mayOverlapUnseen(exports: readonly RestoredExport[]): boolean {
  if (exports.every(({ manifest }) => manifest.filesIndex === undefined)) return false;
  const groupings = new Set(exports.map(({ manifest }) => manifest.source.by));
  const paths = new Set(exports.map(({ manifest }) => manifest.source.path));
  return groupings.size > 1 || paths.size < exports.length;
}

function contentOf(fingerprint: TableFingerprint): TableContent {
  const { definition: _definition, scope: _scope, inputs: _inputs, files: _files, ...content } = fingerprint;
  return content;
}
