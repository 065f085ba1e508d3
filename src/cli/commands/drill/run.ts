/** `lakepack drill run`: flags to `DrillOptions`, then reports and messages, and a `DrillReport` to words. */
import path from 'node:path';
import { LakepackError } from '../../../base/errors.js';
import type { DrillOptions, DrillReport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { drillLines } from '../../drill-lines.js';
import { DRILL_OPTIONS, drillPlan } from '../../drill-options.js';
import { EXIT_CODES, type ExitCode } from '../../exit-code.js';
import type { Library } from '../../io.js';
import { archivePlace, archivePlaceIfGiven } from '../../places.js';
import { onDisk } from '../../selectors.js';
import { stateDirFrom } from '../../state-dir.js';
import { parseWhole } from '../../units.js';

const KEEP = ['on-failure', 'always', 'never'] as const;
/** Somebody is still told when the drill itself was stopped. */
const LAST_WORDS_MS = 30_000;

export const drillRunCommand: Command = {
  describe:
    'Takes exports from an archive, restores them into a scratch folder, rebuilds the stores that the recipe describes, ' +
    'compares them with what the exports say they must contain, measures how long that took, and leaves evidence. No live ' +
    'store is touched. What it made is removed at the end; after a failure it stays for a look.',
  words: [{ name: 'PLAN', describe: 'a plan file; without one, flags say what to take', count: 'any' }],
  options: DRILL_OPTIONS,
  examples: [
    { line: 'lakepack drill run --quick --from r2:lake', why: 'the newest export of each dataset' },
    { line: 'lakepack drill run --all --from ./lake --report ./reports', why: 'everything, with a page to show' },
    {
      line: 'lakepack drill run --oldest-unproven --max-minutes 30 --from r2:lake --stores warehouse',
      why: 'half an hour a night, until all is covered',
    },
    { line: 'lakepack drill run nightly.plan.json --from b2:lake --same-as r2:lake', why: 'a plan, after a migration' },
  ],
  async run(context) {
    const library = await context.library();
    const options = await drillOptions(context, library);
    const report = await context.withProgress('drill', (onProgress) =>
      library.drill({ ...options, nodeVersion: process.version, onProgress }),
    );
    const told = await tell(report, context, library);
    const whole: DrillReport = { ...report, findings: [...report.findings, ...told] };
    const written = await writeReports(whole, context, library);
    const result = { ...whole, reports: written.files };
    await context.print('output-drill-run', result, () => drillLines(whole, written.files, context));
    if (written.failure !== undefined) throw written.failure;
    return exitOf(report, context);
  },
};

const EXIT_OF_OUTCOME = { pass: EXIT_CODES.done, fail: EXIT_CODES.findings, inconclusive: EXIT_CODES.inconclusive };

function exitOf({ record }: DrillReport, { io }: CommandContext): ExitCode {
  const stopped = io.signal.aborted && record.outcome === 'inconclusive';
  return stopped ? EXIT_CODES.interrupted : EXIT_OF_OUTCOME[record.outcome];
}

async function drillOptions(context: CommandContext, library: Library): Promise<DrillOptions> {
  const { args, io } = context;
  const from = args.text('from');
  if (from === undefined) {
    throw new LakepackError('USAGE', '--from: is missing: the archive to drill', {
      hint: '`lakepack drill run --help` has examples',
    });
  }
  const fallback = args.list('fallback');
  const recipe = args.text('recipe');
  const evidence = args.text('evidence');
  const scratch = args.text('scratch');
  return {
    from: await archivePlace(from, context, given({ fallback })),
    plan: await drillPlan(context, library),
    environment: io.env,
    signal: io.signal,
    ...given({
      recipe: recipe === undefined ? undefined : await library.readRecipe(onDisk(recipe, io.cwd)),
      sameAs: await archivePlaceIfGiven(args.text('same-as'), context),
      scratch: scratch === undefined ? undefined : onDisk(scratch, io.cwd),
      keep: args.choice('keep', KEEP),
      evidence: evidence === 'none' ? { kind: 'none' as const } : await archivePlaceIfGiven(evidence, context),
      concurrency: args.read('concurrency', parseWhole),
      stateDir: stateDirFrom(io),
    }),
  };
}

async function tell({ record }: DrillReport, { args, io }: CommandContext, library: Library) {
  const [webhook, onFailure] = [args.text('webhook'), args.text('on-failure')];
  if (webhook === undefined && onFailure === undefined) return [];
  const signal = io.signal.aborted ? AbortSignal.timeout(LAST_WORDS_MS) : io.signal;
  return await library.notify({ record, environment: io.env, signal, ...given({ webhook, onFailure }) });
}

interface Written {
  readonly files: readonly string[];
  /** Thrown when the result is printed: a report that cannot be written must not hide it. */
  readonly failure?: Error;
}

async function writeReports(report: DrillReport, { args, io }: CommandContext, library: Library): Promise<Written> {
  const { drillId } = report.record;
  const file = (name: string): string | undefined => args.read(name, (text) => onDisk(text, io.cwd));
  const folder = file('report');
  // Evidence that found no place in an archive is not thrown away.
  const kept = report.evidenceKey === undefined && args.text('evidence') !== 'none' && folder === undefined;
  const single = given({ html: file('html'), junit: file('junit'), prometheus: file('prometheus') });
  try {
    const inFolder =
      folder === undefined ? [] : await library.writeDrillReports(report, library.reportFilesIn(folder, drillId));
    const record = kept ? { json: path.join(onDisk('.', io.cwd), `${drillId}.drill.json`) } : {};
    return { files: [...inFolder, ...(await library.writeDrillReports(report, { ...single, ...record }))] };
  } catch (error) {
    return { files: [], failure: error instanceof Error ? error : new Error(String(error)) };
  }
}
