/** `lakepack drill schedule`: the drill that the flags describe, as snippets for what runs it again and again. */
import type { ScheduleSnippets } from '../../../index.js';
import { given, type Arguments } from '../../arguments.js';
import type { Command } from '../../command.js';
import { DRILL_OPTIONS, drillIsSaid } from '../../drill-options.js';
import { EXIT_CODES } from '../../exit-code.js';
import { requiredText } from '../../required.js';
import { shellWord } from '../../safe-text.js';

const EVERY = ['day', 'week', 'month', 'quarter'] as const;
const FOR = ['cron', 'systemd', 'github'] as const;
type For = (typeof FOR)[number];

export const drillScheduleCommand: Command = {
  describe:
    'Prints snippets that run a drill every so often: a line for cron, a service and a timer for systemd, a workflow for ' +
    'GitHub Actions. Takes what `drill run` takes. Nothing is installed, and no secret is printed: only the names of the ' +
    'variables that hold them.',
  words: [{ name: 'PLAN', describe: 'a plan file; without one, flags say what to take', count: 'any' }],
  options: {
    for: {
      kind: 'value',
      placeholder: 'WHAT',
      choices: FOR,
      describe: 'only this one (default: all three)',
      group: 'Schedule',
    },
    at: { kind: 'value', placeholder: 'HH:MM', describe: 'time of day (default: 03:15)', group: 'Schedule' },
    every: {
      kind: 'value',
      placeholder: 'TIME',
      choices: EVERY,
      describe: 'how often (default: day)',
      group: 'Schedule',
    },
    env: {
      kind: 'list',
      placeholder: 'NAME',
      describe: 'a further variable that the drill needs, such as PGPASSWORD: its name',
      group: 'Schedule',
    },
    package: {
      kind: 'list',
      placeholder: 'NAME',
      describe: 'an optional package that its stores need, such as pg@8',
      group: 'Schedule',
    },
    ...DRILL_OPTIONS,
  },
  examples: [
    { line: 'lakepack drill schedule --quick --from r2:lake', why: 'a drill a night' },
    {
      line: 'lakepack drill schedule --oldest-unproven --max-minutes 30 --from r2:lake --for github > .github/workflows/drill.yml',
      why: 'a workflow that covers all in time',
    },
  ],
  async run(context) {
    const { args } = context;
    const archive = requiredText(context, 'from');
    drillIsSaid(args);
    const command = commandOf(args);
    const { scheduleSnippets } = await context.library();
    const snippets = scheduleSnippets({
      ...{ command, archive, at: args.text('at') ?? '03:15', every: args.choice('every', EVERY) ?? 'day' },
      ...given({ envNames: args.list('env'), packages: args.list('package') }),
    });
    const only = args.choice('for', FOR);
    const result = { command: command.map(shellWord).join(' '), ...snippets };
    await context.print('output-drill-schedule', result, () => snippetLines(snippets, only));
    return EXIT_CODES.done;
  },
};

/** The words of `drill run` that mean the same. */
function commandOf(args: Arguments): readonly string[] {
  const options = Object.entries(DRILL_OPTIONS).flatMap(([name, { kind }]) => {
    if (kind === 'flag') return args.flag(name) === true ? [`--${name}`] : [];
    return (args.list(name) ?? []).flatMap((value) => [`--${name}`, value]);
  });
  return ['lakepack', 'drill', 'run', ...args.words, ...options];
}

const TITLES: readonly (readonly [For, string])[] = [
  ['cron', 'a crontab'],
  ['systemd', 'systemd'],
  ['github', 'GitHub Actions'],
];

/** One alone stands as it is, so that it can be put into a file. */
function snippetLines(snippets: ScheduleSnippets, only: For | undefined): string[] {
  if (only !== undefined) return linesOf(snippets, only);
  return TITLES.flatMap(([name, title]) => [`## For ${title}`, '', ...linesOf(snippets, name), '']).slice(0, -1);
}

function linesOf({ cron, systemd, githubActions }: ScheduleSnippets, name: For): string[] {
  const text = { cron, systemd: `${systemd.service}\n${systemd.timer}`, github: githubActions }[name];
  return text.replace(/\n$/, '').split('\n');
}
