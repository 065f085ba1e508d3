/** The flags that select exports of an archive or parts of a lake, and their translation. One place for all commands. */
import path from 'node:path';
import type { ExportSelector, LakeSelector } from '../index.js';
import { given, type Arguments } from './arguments.js';
import type { OptionSpecs } from './command.js';

const FILTERS: OptionSpecs = {
  layer: { kind: 'list', placeholder: 'NAME', describe: 'only this layer (bronze, silver, gold)', group: 'Select' },
  dataset: { kind: 'list', placeholder: 'NAME', describe: 'only this dataset', group: 'Select' },
  where: {
    kind: 'value',
    placeholder: 'EXPR',
    describe: "only what the expression holds for, such as 'dt >= 2025-01-01 and layer = silver'",
    group: 'Select',
  },
};

export const EXPORT_SELECTOR_OPTIONS: OptionSpecs = {
  all: { kind: 'flag', describe: 'the newest export of every partition', group: 'Select' },
  ...FILTERS,
  run: { kind: 'list', placeholder: 'RUN', describe: 'only exports of this run', group: 'Select' },
  'as-of': {
    kind: 'value',
    placeholder: 'TIME',
    describe: 'as if it were this time: 2025-10-01 (end of that day, UTC) or RFC 3339',
    group: 'Select',
  },
  history: { kind: 'flag', describe: 'every export, not only the newest of each partition', group: 'Select' },
};

export const LAKE_SELECTOR_OPTIONS: OptionSpecs = {
  partition: { kind: 'list', placeholder: 'PATH', describe: 'only this partition, or those below it', group: 'Select' },
  ...FILTERS,
  run: { kind: 'value', placeholder: 'RUN', describe: 'everything of one run, as one export', group: 'Select' },
  since: {
    kind: 'value',
    placeholder: 'TIME',
    describe: 'only what has a file changed since: 2025-10-01, RFC 3339, or an age such as 36h or 7d',
    group: 'Select',
  },
};

export const GROUPINGS = ['partition', 'run', 'dataset', 'layer', 'lake'] as const;

/** Undefined where nothing was selected, so that the operation's own default holds. */
export function exportSelector(args: Arguments, exports: readonly string[]): ExportSelector | undefined {
  return whole({
    exports: exports.length === 0 ? undefined : exports.map(withoutTrailingSlash),
    all: args.flag('all'),
    history: args.flag('history'),
    layers: args.list('layer'),
    datasets: args.list('dataset'),
    runs: args.list('run'),
    where: args.text('where'),
    asOf: args.text('as-of'),
  });
}

/** As `exportSelector`, for parts of a lake. */
export function lakeSelector(args: Arguments): LakeSelector | undefined {
  return whole({
    partitions: args.list('partition')?.map(withoutTrailingSlash),
    layers: args.list('layer'),
    datasets: args.list('dataset'),
    run: args.text('run'),
    where: args.text('where'),
    since: args.text('since'),
  });
}

function whole<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } | undefined {
  const selector = given(values);
  return Object.keys(selector).length === 0 ? undefined : selector;
}

/** A shell's completion leaves a slash behind a folder's name. */
function withoutTrailingSlash(word: string): string {
  return word.length > 1 ? word.replace(/\/+$/, '') : word;
}

/**
 * Words that name bundle files, and words that name exports. The ending or the form decides, not what happens to
 * be on the disk: an id or a partition path never ends in `.tar`, `.tar.zst` …, nor begins with `/`, `./` or `../`.
 */
export function splitWords(
  words: readonly string[],
  cwd: string,
): { readonly exports: readonly string[]; readonly bundleFiles: readonly string[] | undefined } {
  const isFile = (word: string): boolean =>
    /\.(tar|tar\.\w+|tzst|tgz)$/i.test(word) || /^(\.{0,2}\/|\.\.?$)/.test(word);
  const files = words.filter(isFile).map((word) => onDisk(word, cwd));
  return { exports: words.filter((word) => !isFile(word)), bundleFiles: files.length === 0 ? undefined : files };
}

/** A path as typed where that means the same to the process, so that messages show what was typed. */
export function onDisk(word: string, cwd: string): string {
  return path.isAbsolute(word) || cwd === process.cwd() ? word : path.resolve(cwd, word);
}
