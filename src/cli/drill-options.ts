/** The flags of `drill run` and `drill schedule`, and their translation into a plan. One place, so that both mean the same. */
import { LakepackError } from '../base/errors.js';
import type { DrillPick, DrillPlan, ExportSelector } from '../index.js';
import { given, type Arguments } from './arguments.js';
import type { CommandContext, OptionSpecs } from './command.js';
import type { Library } from './io.js';
import { EXPORT_SELECTOR_OPTIONS, exportSelector, onDisk } from './selectors.js';
import { parsePercent, parseSizeBytes, parseWhole } from './units.js';

const { history: _history, all: _all, ...NARROWING } = EXPORT_SELECTOR_OPTIONS;

export const PICK_OPTIONS: OptionSpecs = {
  quick: { kind: 'flag', describe: 'the newest export of each dataset', group: 'Pick' },
  all: { kind: 'flag', describe: 'the newest export of every partition', group: 'Pick' },
  random: {
    kind: 'value',
    placeholder: '5%',
    describe: 'this share of the newest exports, chosen at random',
    group: 'Pick',
  },
  seed: { kind: 'value', placeholder: 'N', describe: 'with --random: chooses the same again', group: 'Pick' },
  'oldest-unproven': {
    kind: 'flag',
    describe: 'the newest exports, those first that were never proven or longest ago',
    group: 'Pick',
  },
  export: { kind: 'list', placeholder: 'ID', describe: 'this export (id, or partition path)', group: 'Pick' },
  ...NARROWING,
  'max-bytes': {
    kind: 'value',
    placeholder: 'SIZE',
    describe: 'stored bytes to pull at most; what is left is for another drill',
    group: 'Budget',
  },
  'max-minutes': { kind: 'value', placeholder: 'N', describe: 'no export is begun after them', group: 'Budget' },
  stores: {
    kind: 'list',
    placeholder: 'A,B',
    describe: "only these of the recipe's stores; none: files only",
    group: 'Rebuild',
  },
};

export const DRILL_OPTIONS: OptionSpecs = {
  from: {
    kind: 'value',
    placeholder: 'ARCHIVE',
    aliases: ['archive'],
    describe: 'the archive to drill',
    group: 'Drill',
  },
  ...PICK_OPTIONS,
  recipe: {
    kind: 'value',
    placeholder: 'FILE',
    describe: 'what to rebuild (default: the recipe packed with the exports)',
    group: 'Rebuild',
  },
  scratch: {
    kind: 'value',
    placeholder: 'DIR',
    describe: 'where to work (default: the temporary folder)',
    group: 'Drill',
  },
  keep: {
    kind: 'value',
    placeholder: 'WHEN',
    choices: ['on-failure', 'always', 'never'],
    describe: 'when what the drill made stays for a look (default: on-failure)',
    group: 'Drill',
  },
  'same-as': {
    kind: 'value',
    placeholder: 'ARCHIVE',
    describe: 'an archive whose exports must all be in this one, as after a migration',
    group: 'Drill',
  },
  fallback: {
    kind: 'list',
    placeholder: 'A,B',
    describe: 'archives to take from what this one cannot give',
    group: 'Drill',
  },
  concurrency: { kind: 'value', placeholder: 'N', describe: 'how much is done at once', group: 'Drill' },
  evidence: {
    kind: 'value',
    placeholder: 'ARCHIVE',
    describe: 'where the evidence goes (default: the archive); none: nowhere',
    group: 'Report',
  },
  report: {
    kind: 'value',
    placeholder: 'DIR',
    describe: 'writes a page, JUnit XML, a Prometheus text file and the record there',
    group: 'Report',
  },
  html: { kind: 'value', placeholder: 'FILE', describe: 'one page that tells it all', group: 'Report' },
  junit: { kind: 'value', placeholder: 'FILE', describe: 'JUnit XML, for a CI', group: 'Report' },
  prometheus: { kind: 'value', placeholder: 'FILE', describe: 'a text file for node_exporter', group: 'Report' },
  webhook: { kind: 'value', placeholder: 'URL', describe: 'a summary is posted there as JSON', group: 'Report' },
  'on-failure': {
    kind: 'value',
    placeholder: 'COMMAND',
    describe: 'a shell command to run when the drill does not pass',
    group: 'Report',
  },
};

/** Throws USAGE unless the command line says what to take, in one way. Reads nothing. */
export function drillIsSaid(args: Arguments): void {
  const [file, second] = args.words;
  if (second !== undefined) throw new LakepackError('USAGE', 'PLAN: one is enough: expected at most one file');
  const pick = pickOf(args);
  if (file !== undefined && pick !== undefined) {
    throw new LakepackError('USAGE', 'PLAN: the plan says what to take: expected no flag that picks beside it');
  }
  if (file === undefined && pick === undefined) {
    throw new LakepackError('USAGE', 'what to drill is not said: expected a plan file or a flag', {
      hint: '--quick (newest export of each dataset), --all, --random 5%, --oldest-unproven, --max-minutes 45, --export ID',
    });
  }
}

/** The plan file, or one made of flags; budget and stores of the command line count either way. Throws USAGE. */
export async function drillPlan(
  { args, io }: CommandContext,
  library: Pick<Library, 'readDrillPlan'>,
): Promise<DrillPlan> {
  drillIsSaid(args);
  const [file] = args.words;
  const pick = pickOf(args) ?? { how: 'latest' };
  const plan: DrillPlan =
    file === undefined ? { planVersion: 1, pick } : await library.readDrillPlan(onDisk(file, io.cwd));
  const budget = given({
    maxBytes: args.read('max-bytes', parseSizeBytes),
    maxMinutes: args.read('max-minutes', parseWhole),
  });
  const stores = storesOf(args);
  return {
    ...plan,
    ...(Object.keys(budget).length > 0 && { budget: { ...plan.budget, ...budget } }),
    ...(stores !== undefined && { stores }),
  };
}

/** Undefined where no flag picks, narrows or sets a budget. Throws USAGE for two ways to pick. */
export function pickOf(args: Arguments): DrillPick | undefined {
  const select = selectOf(args);
  const more = select === undefined ? {} : { select };
  const share = args.read('random', parsePercent);
  const seed = args.read('seed', parseWhole);
  const ways: readonly DrillPick[] = [
    ...(args.flag('quick') === true ? [{ how: 'quick', ...more } as const] : []),
    ...(args.flag('all') === true ? [{ how: 'latest', ...more } as const] : []),
    ...(share === undefined ? [] : [{ how: 'random', share, ...given({ seed }), ...more } as const]),
    ...(args.flag('oldest-unproven') === true ? [{ how: 'oldest-unproven', ...more } as const] : []),
  ];
  if (ways.length > 1) {
    throw new LakepackError('USAGE', 'expected one of --quick, --all, --random and --oldest-unproven, got several');
  }
  if (seed !== undefined && share === undefined) throw new LakepackError('USAGE', '--seed: is about --random');
  if (ways[0] !== undefined) return ways[0];
  // A budget takes a part of what there is: of a plan's own pick, else what was not proven for longest.
  if (args.words.length === 0 && hasBudget(args)) return { how: 'oldest-unproven', ...more };
  return select === undefined ? undefined : { how: 'latest', select };
}

function hasBudget(args: Arguments): boolean {
  return args.text('max-bytes') !== undefined || args.text('max-minutes') !== undefined;
}

function selectOf(args: Arguments): ExportSelector | undefined {
  const { all: _everything, ...select } = exportSelector(args, args.list('export') ?? []) ?? {};
  return Object.keys(select).length === 0 ? undefined : select;
}

function storesOf(args: Arguments): readonly string[] | undefined {
  const words = args
    .list('stores')
    ?.flatMap((one) => one.split(','))
    .filter((one) => one !== '');
  return words?.length === 1 && words[0] === 'none' ? [] : words;
}
