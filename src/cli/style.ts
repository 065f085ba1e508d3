/** Colours, where a terminal wants them. The one door to picocolors. */
import colors from 'picocolors';
import type { CliStream } from './io.js';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** Plain unless the stream is a terminal, it is not a dumb one, and nobody said no (no-color.org). */
export function styleFor(
  stream: CliStream,
  env: Readonly<Record<string, string | undefined>>,
  noColor: boolean,
): Style {
  const wanted = stream.isTTY === true && !noColor && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return colors.createColors(wanted);
}
