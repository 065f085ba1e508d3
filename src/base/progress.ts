/** What a long operation tells while it runs. The words are made in `cli/`; programs get the same events. */

export type ProgressEvent =
  | { readonly type: 'phase'; readonly phase: string; readonly detail?: string }
  | { readonly type: 'total'; readonly files: number; readonly bytes: number }
  /** Counts since the last event, not sums. */
  | { readonly type: 'advance'; readonly files: number; readonly bytes: number }
  | { readonly type: 'item'; readonly name: string; readonly status: string; readonly detail?: string };

export type ProgressListener = (event: ProgressEvent) => void;

export function ignoreProgress(): void {
  // The default listener: a caller who did not ask is told nothing.
}
