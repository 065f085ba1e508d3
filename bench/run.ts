/**
 * `npm run bench`: compares the built command line with other tools on the same data and machine, in turns, and writes
 * what it measured to bench/results/. docs/performance.md says what may be concluded from it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fillServer, measureAttempt, prepareStore, tryAttempt, type Course } from './attempt.js';
import type { Contender } from './contender.js';
import { packedBy, provideLake, sizeOf, type DataSet } from './data-sets.js';
import { describeMachine, describeVersions, missingPrograms } from './machine.js';
import { hasGnuTime } from './measure.js';
import { describeCommand, isOwnBuild, parseOptions, USAGE, type BenchOptions } from './options.js';
import { runProfile } from './profile.js';
import { writeResults, type Results, type Sample, type Series } from './results.js';
import { interleave, matchesOf, type Match } from './schedule.js';
import { withFresh, withScratch } from './scratch.js';
import { serverMissing, startServer, type BenchServer } from './server.js';
import { renderReport } from './table.js';
import { SUBJECT, WORKS } from './works.js';

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return;
  }
  const options = parseOptions(args);
  if (!existsSync(options.bin)) throw new Error(`${path.basename(options.bin)}: is not there: npm run build`);
  if (options.profile !== undefined) {
    console.log(await runProfile(options, options.profile));
    return;
  }
  const results = await withScratch(options.scratchParent, (scratch) => runAll(options, args, scratch));
  const file = await writeResults(results, options.isLocal, options.resultsFolder);
  console.log(renderReport(results));
  say(`written: ${path.relative(process.cwd(), file)}`);
}

async function runAll(options: BenchOptions, args: readonly string[], scratch: string): Promise<Results> {
  const wanted = matchesOf(options, WORKS);
  if (wanted.length === 0) throw new Error('nothing to measure: this work is not for this data');
  const isWanted = (contender: Contender) => wanted.some(({ contenders }) => contenders.includes(contender));
  const missing = options.contenders
    .filter(isWanted)
    .map((contender) => ({ contender: contender.name, programs: missingPrograms(contender) }))
    .filter(({ programs }) => programs.length > 0);
  for (const { contender, programs } of missing) say(`left out: ${contender} (missing: ${programs.join(', ')})`);
  const present = options.contenders.filter(
    (contender) => isWanted(contender) && !missing.some(({ contender: name }) => contender.name === name),
  );
  const withGnuTime = await hasGnuTime();
  const notes = withGnuTime ? [] : ['No GNU time (`/usr/bin/time`) here: CPU and memory were not measured'];
  const noServer = wanted.some(({ work }) => work.needs === 'server') ? serverMissing() : undefined;
  if (noServer !== undefined) notes.push(`Nothing was pushed or pulled: ${noServer}`);
  const matches = matchesOf({ ...options, contenders: present }, WORKS).filter(
    ({ work }) => work.needs !== 'server' || noServer === undefined,
  );
  const context = {
    version: 2,
    date: new Date().toISOString(),
    command: describeCommand(args),
    rounds: options.rounds,
    warmUpRounds: options.warmUpRounds,
    scale: options.scale,
    machine: await describeMachine(scratch),
    versions: await describeVersions(present, isOwnBuild(options)),
    works: WORKS.filter((work) => matches.some((match) => match.work === work)),
    contenders: present.map(({ name, does }) => ({ name, does })),
    missing,
    notes,
    subject: SUBJECT.name,
  } as const;
  const runs = [];
  for (const dataSet of new Set(matches.map((match) => match.dataSet))) {
    const own = matches.filter((match) => match.dataSet === dataSet);
    const folder = path.join(scratch, dataSet.name);
    runs.push(await withFresh(folder, () => runDataSet(options, dataSet, own, { scratch: folder, withGnuTime })));
  }
  return { ...context, dataSets: runs.map(({ lake }) => lake), series: runs.flatMap(({ series }) => series) };
}

async function runDataSet(
  options: BenchOptions,
  dataSet: DataSet,
  matches: readonly Match[],
  settings: Pick<Course, 'scratch' | 'withGnuTime'>,
): Promise<{ readonly lake: Results['dataSets'][number]; readonly series: readonly Series[] }> {
  say(`data: ${dataSet.name}`);
  const { name, title } = dataSet;
  const folder = await provideLake(dataSet, settings.scratch, options.scale);
  const course = {
    ...settings,
    lake: folder,
    lakepack: [process.execPath, options.bin] as const,
    packedBy: packedBy(dataSet),
  };
  const alone = { ...course, cores: Math.max(...options.cores), server: undefined };
  for (const contender of preparedFor(matches)) {
    say(`prepare: ${contender.name}`);
    await prepareStore(alone, contender);
  }
  let server: BenchServer | undefined;
  const series: Series[] = [];
  try {
    for (const match of matches) {
      const { cores, work } = match;
      if (work.needs === 'server' && server === undefined) {
        server = await startServer();
        await fillServer(alone, server);
      }
      const ownServer = work.needs === 'server' ? server : undefined;
      series.push(...(await runMatch(options, match, { ...course, cores, server: ownServer })));
    }
  } finally {
    await server?.stop();
  }
  return { lake: { name, title, ...sizeOf(folder) }, series };
}

async function runMatch(options: BenchOptions, match: Match, course: Course): Promise<Series[]> {
  const { contenders, work, cores } = match;
  const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
  const requests = new Map<Contender, number | null>();
  for (const { contender, round, isWarmUp } of interleave(contenders, options.rounds, options.warmUpRounds)) {
    const label = `${work.name} on ${cores}: ${contender.name}`;
    if (isWarmUp) {
      say(`warm-up: ${label}`);
      requests.set(contender, (await tryAttempt(course, contender, work.name)).requests);
    } else {
      const measured = await measureAttempt(course, contender, work.name);
      say(`round ${round}: ${label} ${measured.wallSeconds.toFixed(2)} s`);
      samples.get(contender)!.push({ round, ...measured });
    }
  }
  return contenders.map((contender) => ({
    ...{ dataSet: match.dataSet.name, work: work.name, contender: contender.name, cores },
    requests: requests.get(contender) ?? null,
    samples: samples.get(contender)!,
  }));
}

/** Who must have packed before: those that read their own store, and ourselves wherever any store is read. */
function preparedFor(matches: readonly Match[]): Contender[] {
  const reading = matches.filter(({ work }) => work.needs !== undefined);
  if (reading.length === 0) return [];
  const own = reading.filter(({ work }) => work.needs === 'stores').flatMap(({ contenders }) => contenders);
  return [...new Set([SUBJECT, ...own])];
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
