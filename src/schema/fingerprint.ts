/**
 * What an export says that tables made from its files must contain (docs/fingerprints.md). Types only. Digests are
 * sums modulo 2^128 of truncated SHA-256s, so those of several exports are added to those of all of them together.
 */

/** In an export manifest: `fingerprints` by table, made with `recipe`. */
export interface ExportFingerprints {
  readonly recipe: { readonly sha256: string; readonly content: unknown };
  readonly tables: Readonly<Record<string, TableFingerprint>>;
}

export interface TableFingerprint {
  /** SHA-256 of the table's definition: two with different ones are never compared. */
  readonly definition: string;
  /**
   * `export`: of the rows that come from this export's files, to be added up. `lake`: of the whole table, because its
   * SQL looks across files; it holds for the files that `inputs` names, and for no others.
   */
  readonly scope: 'export' | 'lake';
  /** Lake scope: SHA-256 over `<sha256>␠␠<lake path>\n` of all input files, sorted by path bytes, as a content digest. */
  readonly inputs?: string;
  /** Input files. */
  readonly files: number;
  /** L0. */
  readonly rows: number;
  /** L1: of the keys; absent where the table has none. 32 hex characters, as every digest here. */
  readonly keys?: string;
  /** L2: of the rows, all columns but the vector. */
  readonly digest: string;
  /** L2 by column: of key and cell. */
  readonly columns: Readonly<Record<string, string>>;
  /** L3: the rows whose key (or row) digests are the smallest. */
  readonly samples: readonly SampledRow[];
  /** L4. */
  readonly vectors?: VectorFingerprint;
}

export interface SampledRow {
  /** Canonical cells of the key, or the row's digest where the table has no key. */
  readonly key: string;
  /** Column to canonical cell; a cell above 256 characters as `#` and its SHA-256. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface VectorFingerprint {
  readonly dimensions: number;
  /** Rows that have a vector. */
  readonly count: number;
  /** Of key and vector, exact. */
  readonly digest: string;
  readonly samples: readonly { readonly key: string; readonly base64: string }[];
  /** For each fixed query (docs/fingerprints.md) its nearest rows, nearest first. */
  readonly neighbours: readonly (readonly { readonly key: string; readonly score: number }[])[];
}
