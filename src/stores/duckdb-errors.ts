/**
 * Turns DuckDB's errors into LakepackErrors by the words they begin with: DuckDB gives no other sign. Its drawing of
 * the statement is left out, which may hold thousands of file names.
 */
import { type ErrorCode, interrupted, LakepackError } from '../base/errors.js';

interface Meaning {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly retryable?: boolean;
}

const MEANINGS: readonly Meaning[] = [
  {
    words: /no space left on device|disk quota exceeded|max_temp_directory_size|failed to offload/i,
    code: 'DISK_FULL',
    hint: 'free some space and run the same command again',
  },
  {
    words: /^Out of Memory Error/,
    code: 'LIMIT_EXCEEDED',
    hint: 'make the SQL of the table group or sort less at a time',
  },
  {
    words: /could not set lock|conflicting lock/i,
    code: 'STORE_UNAVAILABLE',
    hint: 'another program has it open',
    retryable: true,
  },
  { words: /not a valid DuckDB database|corrupt database/i, code: 'STORE_REFUSED' },
  {
    words:
      /^Invalid Input Error: (Malformed JSON|CSV Error|No magic bytes|Invalid unicode)|Malformed JSON|CSV Error|magic bytes|Parquet|parquet|TProtocol|snappy|Snappy|zstd|ZSTD|GZIP|gzip|thrift|^IO Error|Invalid string encoding|Invalid byte/,
    code: 'SOURCE_UNREADABLE',
    hint: '`lakepack verify` tells whether the file is as it was packed',
  },
  {
    words:
      /^(Conversion|Binder|Catalog|Parser|Mismatch Type|Not implemented|Out of Range|Permission|Constraint|Syntax) Error|JSON transform error/,
    code: 'RECIPE_INVALID',
    hint: 'mend the table in the recipe (docs/recipes.md)',
  },
];

/** `subject` begins the message; a LakepackError comes back as it is, anything after an abort as INTERRUPTED. */
export function duckDbError(error: unknown, subject: string, signal?: AbortSignal): LakepackError {
  if (error instanceof LakepackError) return error;
  if (signal?.aborted === true) return interrupted(signal.reason);
  const says = sayingOf(error);
  const meaning = MEANINGS.find(({ words }) => words.test(says));
  const { hint, retryable } = meaning ?? {};
  return new LakepackError(meaning?.code ?? 'STORE_REFUSED', `${subject}: ${lowerFirst(says)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(retryable === undefined ? {} : { retryable }),
  });
}

const MAX_SAYING_CHARS = 600;

function sayingOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const saying = message
    .replace(/\n\s*LINE \d+:[^]*$/, '')
    .replace(/\n(Try setting|Possible fixes)[^]*?(?=\n\s*file = |$)/, '')
    .trim();
  return saying.length > MAX_SAYING_CHARS ? `${saying.slice(0, MAX_SAYING_CHARS)}…` : saying;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
