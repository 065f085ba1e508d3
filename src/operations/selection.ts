/** How a caller says which exports, or which parts of a lake, an operation is about. Types and their empty default. */

/** Selects exports of an archive. All given conditions must hold; `exports` are alternatives to each other. */
export interface ExportSelector {
  /** Export ids, unique prefixes of ids, partition paths (a path means its newest export), or `PARTITION/EXPORT-ID`. */
  readonly exports?: readonly string[];
  /** The newest export of every partition path. Implied when only filters are given. */
  readonly all?: boolean;
  /** Every export, not only the newest of each partition path. */
  readonly history?: boolean;
  readonly layers?: readonly string[];
  readonly datasets?: readonly string[];
  readonly runs?: readonly string[];
  /** An expression such as `dt >= 2025-01-01 and layer = silver`. */
  readonly where?: string;
  /** Point in time, RFC 3339 or `yyyy-MM-dd` (the end of that day, UTC): exports made later do not exist. */
  readonly asOf?: string;
}

/** Selects parts of a lake to pack. No condition: everything. */
export interface LakeSelector {
  /** Partition paths, or folders above partitions. */
  readonly partitions?: readonly string[];
  readonly layers?: readonly string[];
  readonly datasets?: readonly string[];
  /** One run: everything in the lake that belongs to it, as one export. */
  readonly run?: string;
  readonly where?: string;
  /** Only what has a file changed since: RFC 3339, `yyyy-MM-dd`, or an age such as `36h`, `7d`. */
  readonly since?: string;
}
