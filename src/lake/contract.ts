/** The types the lake modules share: what a partition is, what a scan yields. No behaviour. */
import type { Finding } from '../base/findings.js';
import type { Grouping } from '../schema/export-manifest.js';

/** What a path says about itself (DESIGN words: layer, dataset, partition, run). */
export interface PartitionFacts {
  /** Folder below the lake root, `/`-separated; `''` for the root itself, and for a run or the whole lake. */
  readonly path: string;
  readonly layer?: string;
  readonly dataset?: string;
  /** Hive keys and, for `yyyy/MM/dd` folders, `date` = `yyyy-MM-dd` (or `yyyy-MM`, `yyyy`). In path order. */
  readonly keys: Readonly<Record<string, string>>;
  readonly runId?: string;
}

/** A regular file or an empty directory found by a scan. */
export interface SourceEntry {
  /** Lake path: relative to the lake root, `/`-separated, exact bytes as found, no trailing slash. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** 0 for a directory. */
  readonly bytes: number;
  /** Nanoseconds since the epoch, for telling a change. */
  readonly mtimeNs: bigint;
  readonly executable: boolean;
}

/** One thing to export: a group of entries and where it goes in an archive. */
export interface ExportSelection {
  readonly by: Grouping;
  /** Partition path in the archive: `silver/vulns/dt=2024-06-20`, `runs/run-…`, `silver/vulns/_files`, `lake` … */
  readonly path: string;
  readonly facts: PartitionFacts;
  readonly entries: SourceEntryList;
  /** What the scan found among these entries and left out or warns of. With one of severity `error`: not to be committed. */
  readonly findings: readonly Finding[];
}

/** Entries sorted by path bytes; may stand on disk, so it is read by iteration and can be read again. */
export interface SourceEntryList extends AsyncIterable<SourceEntry> {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** The newest mtime, whole seconds; undefined when there is no entry. */
  readonly newestMtime: number | undefined;
  /** SHA-256, hex, over path, type, size and mtime of every entry (format 3.2; `scanDigestLine` in `entry-list.ts`). */
  readonly scanDigest: string;
}
