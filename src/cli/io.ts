/** What the command line needs from the process, so that a test can hand it something else. Types only. */
import type * as api from '../index.js';

export type CliStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Fires when the person wants to stop (Ctrl-C). */
  readonly signal: AbortSignal;
}

/** The functions of the public API that commands call. A test injects its own. */
export type Library = Pick<
  typeof api,
  | 'pack'
  | 'transfer'
  | 'verify'
  | 'unpack'
  | 'catalogList'
  | 'catalogShow'
  | 'catalogFiles'
  | 'listLake'
  | 'checkRemote'
  | 'listRemotes'
  | 'listObjects'
  | 'share'
  | 'prune'
  | 'drill'
  | 'drillHistory'
  | 'status'
  | 'rebuild'
  | 'writeCatalogOf'
  | 'packWithFingerprints'
  | 'writeRecipe'
  | 'readRecipe'
  | 'readDrillPlan'
  | 'reportFilesIn'
  | 'writeDrillReports'
  | 'notify'
  | 'scheduleSnippets'
>;

export type LibraryLoader = () => Promise<Library>;
