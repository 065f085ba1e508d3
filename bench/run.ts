/**
 * `npm run bench`: compares the built command line with other tools on the same data and machine, in turns, and writes
 * what it measured to bench/results/. docs/performance.md says what may be concluded from it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { measureAttempt, prepareStore, type Course } from './attempt.js';
import type { Contender } from './contender.js';
import { provideLake, sizeOf, type DataSet } from './data-sets.js';
import { describeMachine, describeVersions, missingPrograms } from './machine.js';
import { hasGnuTime } from './measure.js';
import { describeCommand, parseOptions, USAGE, type BenchOptions } from './options.js';
import { writeResults, type Results, type Sample, type Series } from './results.js';
import { interleave } from './schedule.js';
import { withScratch } from './scratch.js';
import { renderReport } from './table.js';
import { SUBJECT, type Work } from './works.js';

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return;
  }
  const options = parseOptions(args);
  if (!existsSync(path.resolve(import.meta.dirname, '../dist/bin.js'))) throw new Error('dist/bin.js: npm run build');
  const results = await withScratch(options.scratchParent, (scratch) => runAll(options, args, scratch));
  const file = await writeResults(results, options.isLocal);
  console.log(renderReport(results));
  say(`written: ${path.relative(process.cwd(), file)}`);
}

async function runAll(options: BenchOptions, args: readonly string[], scratch: string): Promise<Results> {
  const missing = options.contenders
    .map((contender) => ({ contender: contender.name, programs: missingPrograms(contender) }))
    .filter(({ programs }) => programs.length > 0);
  for (const { contender, programs } of missing) say(`left out: ${contender} (missing: ${programs.join(', ')})`);
  const present = options.contenders.filter(({ name }) => !missing.some(({ contender }) => contender === name));
  const withGnuTime = await hasGnuTime();
  const context = {
    version: 1,
    date: new Date().toISOString(),
    command: describeCommand(args),
    rounds: options.rounds,
    warmUpRounds: options.warmUpRounds,
    machine: await describeMachine(scratch),
    versions: await describeVersions(present),
    works: options.works,
    contenders: present.map(({ name, does }) => ({ name, does })),
    missing,
    notes: withGnuTime ? [] : ['No GNU time (`/usr/bin/time`) here: CPU and memory were not measured'],
    subject: SUBJECT.name,
  } as const;
  const runs = [];
  for (const dataSet of options.dataSets) {
    const course = { scratch: path.join(scratch, dataSet.name), cores: context.machine.cores, withGnuTime };
    runs.push(await runDataSet(options, present, dataSet, course));
  }
  return { ...context, dataSets: runs.map(({ lake }) => lake), series: runs.flatMap(({ series }) => series) };
}

async function runDataSet(
  options: BenchOptions,
  contenders: readonly Contender[],
  dataSet: DataSet,
  settings: Omit<Course, 'lake'>,
): Promise<{ readonly lake: Results['dataSets'][number]; readonly series: readonly Series[] }> {
  say(`data: ${dataSet.name}`);
  const course: Course = { ...settings, lake: await provideLake(dataSet, settings.scratch) };
  const { name, title } = dataSet;
  const lake = { name, title, ...(await sizeOf(course.lake)) };
  const needStores = options.works.some((work) => work.name !== 'pack');
  const prepared = contenders.filter(({ attempts }) => attempts.verify ?? attempts.unpack);
  for (const contender of needStores ? prepared : []) {
    say(`prepare: ${contender.name}`);
    await prepareStore(course, contender);
  }
  const series: Series[] = [];
  for (const work of options.works) series.push(...(await runWork(options, contenders, work, name, course)));
  return { lake, series };
}

async function runWork(
  options: BenchOptions,
  contenders: readonly Contender[],
  work: Work,
  dataSet: string,
  course: Course,
): Promise<Series[]> {
  const able = contenders.filter(({ attempts }) => attempts[work.name] !== undefined);
  const samples = new Map<Contender, Sample[]>(able.map((contender) => [contender, []]));
  for (const { contender, round, isWarmUp } of interleave(able, options.rounds, options.warmUpRounds)) {
    const measured = await measureAttempt(course, contender, work.name, isWarmUp && round === 1);
    const label = isWarmUp ? 'warm-up' : `round ${round}`;
    say(`${work.name} ${label}: ${contender.name} ${measured.wallSeconds.toFixed(2)} s`);
    if (!isWarmUp) samples.get(contender)!.push({ round, ...measured });
  }
  return able.map((contender) => ({
    dataSet,
    work: work.name,
    contender: contender.name,
    samples: samples.get(contender)!,
  }));
}

/** Progress goes to stderr: stdout is the report. */
function say(text: string): void {
  console.error(text);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
