/** Options that a command cannot do without. */
import { LakepackError } from '../base/errors.js';
import type { CommandContext } from './command.js';

/** Throws USAGE when the option was not given. */
export function requiredText({ args }: Pick<CommandContext, 'args'>, name: string): string {
  return args.text(name) ?? missing(name);
}

/** As `requiredText`, for an option that may be given more than once. */
export function requiredList({ args }: Pick<CommandContext, 'args'>, name: string): readonly string[] {
  return args.list(name) ?? missing(name);
}

function missing(name: string): never {
  throw new LakepackError('USAGE', `--${name}: is missing`, { hint: '`--help` shows what there is, with examples' });
}
