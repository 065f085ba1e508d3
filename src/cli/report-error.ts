/** Turns what was thrown into words on stderr and an exit code. With --json, into one JSON object on stderr. */
import { LakepackError, interrupted, isLakepackError } from '../base/errors.js';
import { exitCodeOf, type ExitCode } from './exit-code.js';
import { hasFlag } from './global-options.js';
import type { CliIo } from './io.js';
import { outputOf } from './output.js';
import { safeJson, safeLines, safeText } from './safe-text.js';
import { schemaAddress } from './schema-address.js';
import { styleFor } from './style.js';

export async function reportError(thrown: unknown, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const error = asLakepackError(thrown, io.signal);
  const exitCode = exitCodeOf(error.code);
  const stack = hasFlag(argv, 'debug') ? stackOf(error) : undefined;
  const text = hasFlag(argv, 'json')
    ? jsonText(error, exitCode, stack)
    : plainText(error, stack, (word) => styleFor(io.stderr, io.env, hasFlag(argv, 'no-color')).red(word));
  await outputOf(io.stderr).write(text);
  return exitCode;
}

function asLakepackError(thrown: unknown, signal: AbortSignal): LakepackError {
  if (isLakepackError(thrown)) return thrown;
  // Whatever a stopped operation ends with, the stop is why.
  if (signal.aborted) return interrupted(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LakepackError('INTERNAL', `unexpected: ${message}`, {
    cause: thrown,
    hint: 'this is a fault of lakepack: run the command again with --debug and report what it prints',
  });
}

function plainText(error: LakepackError, stack: string | undefined, red: (text: string) => string): string {
  const lines = [`${red('lakepack:')} ${safeText(error.message)} (${error.code})`];
  if (error.hint !== undefined) lines.push(`hint: ${safeText(error.hint)}`);
  if (stack !== undefined) lines.push(safeLines(stack));
  return `${lines.join('\n')}\n`;
}

function jsonText(error: LakepackError, exitCode: ExitCode, stack: string | undefined): string {
  const { code, message, hint, retryable } = error;
  return `${safeJson({ schema: schemaAddress('output-error'), code, exitCode, message, hint, retryable, stack })}\n`;
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackOf(error.cause)}` : own;
}
