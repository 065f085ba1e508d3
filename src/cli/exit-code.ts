/** The exit codes of the program, and the one table that gives every error its own. `docs/errors.md` shows both. */
import type { ErrorCode } from '../base/errors.js';
import type { Finding } from '../base/findings.js';

export const EXIT_CODES = {
  done: 0,
  unexpected: 1,
  usage: 2,
  findings: 3,
  notFound: 4,
  permission: 5,
  remote: 6,
  inconclusive: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  USAGE: EXIT_CODES.usage,
  CONFIG_INVALID: EXIT_CODES.usage,
  SELECTOR_INVALID: EXIT_CODES.usage,
  SELECTOR_AMBIGUOUS: EXIT_CODES.usage,
  ARCHIVE_UNSUPPORTED: EXIT_CODES.usage,
  NOT_FOUND: EXIT_CODES.notFound,
  LAKE_UNREADABLE: EXIT_CODES.permission,
  PERMISSION_DENIED: EXIT_CODES.permission,
  REMOTE_UNAVAILABLE: EXIT_CODES.remote,
  REMOTE_MISCONFIGURED: EXIT_CODES.usage,
  CREDENTIALS_INVALID: EXIT_CODES.permission,
  INTERRUPTED: EXIT_CODES.interrupted,
  PATH_UNSAFE: EXIT_CODES.findings,
  SOURCE_CHANGED: EXIT_CODES.findings,
  SOURCE_UNREADABLE: EXIT_CODES.findings,
  SOURCE_REFUSED: EXIT_CODES.findings,
  MANIFEST_INVALID: EXIT_CODES.findings,
  MANIFEST_VERSION: EXIT_CODES.findings,
  BUNDLE_INVALID: EXIT_CODES.findings,
  TAR_INVALID: EXIT_CODES.findings,
  ZSTD_INVALID: EXIT_CODES.findings,
  SEEK_TABLE_INVALID: EXIT_CODES.findings,
  HASH_MISMATCH: EXIT_CODES.findings,
  LIMIT_EXCEEDED: EXIT_CODES.findings,
  OBJECT_EXISTS: EXIT_CODES.findings,
  TARGET_NOT_EMPTY: EXIT_CODES.findings,
  TARGET_CONFLICT: EXIT_CODES.findings,
  RECIPE_INVALID: EXIT_CODES.usage,
  PLAN_INVALID: EXIT_CODES.usage,
  KEYS_NOT_UNIQUE: EXIT_CODES.findings,
  STORE_UNAVAILABLE: EXIT_CODES.remote,
  STORE_NOT_INSTALLED: EXIT_CODES.usage,
  STORE_REFUSED: EXIT_CODES.findings,
  DISK_FULL: EXIT_CODES.unexpected,
  INTERNAL: EXIT_CODES.unexpected,
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return EXIT_OF_ERROR[code];
}

/** One finding of severity `error` fails the command, whichever command it is; warnings are only said. */
export function exitForFindings(findings: readonly Finding[], failed = false): ExitCode {
  return failed || findings.some((one) => one.severity === 'error') ? EXIT_CODES.findings : EXIT_CODES.done;
}
