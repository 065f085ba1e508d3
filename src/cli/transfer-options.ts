/** The flags that push, pull and migrate share, and their translation into `TransferOptions`. */
import type { TransferOptions } from '../index.js';
import { given } from './arguments.js';
import type { CommandContext, OptionSpecs } from './command.js';
import { archivePlace } from './places.js';
import { exportSelector } from './selectors.js';
import { stateDirFrom } from './state-dir.js';
import { parseSizeBytes, parseWhole } from './units.js';

const PROOFS = ['auto', 'all', 'sample', 'none'] as const;

export const TRANSFER_OPTIONS: OptionSpecs = {
  'verify-push': {
    kind: 'value',
    placeholder: 'HOW',
    choices: PROOFS,
    describe:
      "how what was stored is proven before it counts: by the store's own SHA-256 where it keeps one, else by reading " +
      'it back; all of it read back; a part of it; its size (default: auto)',
    group: 'Transfer',
  },
  fallback: {
    kind: 'list',
    placeholder: 'A,B',
    describe: 'archives to take from, in order, what the source cannot give whole',
    group: 'Transfer',
  },
  concurrency: {
    kind: 'value',
    placeholder: 'N',
    describe: 'exports under way at once (default: 16 where a side is distant, else the number of cores)',
    group: 'Transfer',
  },
  bandwidth: {
    kind: 'value',
    placeholder: 'SIZE',
    describe: 'bytes a second in both directions together, such as 50MB (default: no bound)',
    group: 'Transfer',
  },
  'dry-run': {
    kind: 'flag',
    describe: 'say what would be sent, how large it is and in how many requests; write nothing',
    group: 'Transfer',
  },
};

/** What a command adds of its own: the two archives, and which exports were named. */
export interface TransferWords {
  readonly from: string;
  readonly to: string;
  readonly exports: readonly string[];
}

/** Throws USAGE, and as `archivePlace`. */
export async function transferOptions(context: CommandContext, words: TransferWords): Promise<TransferOptions> {
  const { args, io } = context;
  const fallback = args.list('fallback');
  return {
    from: await archivePlace(words.from, context, { ...asLake(words.from), ...given({ fallback }) }),
    to: await archivePlace(words.to, context, asLake(words.from)),
    signal: io.signal,
    ...given({
      select: exportSelector(args, words.exports),
      proof: args.choice('verify-push', PROOFS),
      concurrency: args.read('concurrency', parseWhole),
      bandwidthBytesPerSecond: args.read('bandwidth', parseBandwidth),
      dryRun: args.flag('dry-run'),
      stateDir: stateDirFrom(io),
    }),
  };
}

/** A source that is a folder may be a lake, whose configuration names remotes. */
function asLake(word: string): { readonly lake?: string } {
  return /^[a-z][a-z0-9+._-]+:/i.test(word) ? {} : { lake: word };
}

/** `50MB`, or as people like to write it, `50MB/s`. */
function parseBandwidth(text: string, subject: string): number {
  return parseSizeBytes(text.replace(/\/s$/i, ''), subject);
}
