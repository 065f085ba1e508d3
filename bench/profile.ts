/**
 * `npm run bench -- --profile WORK`: runs one command of lakepack with V8's sampling profiler on all of its threads, and says
 * where the time went. On a busy machine a thread that waits for a core counts as working: profile a quiet one.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fillServer, measureAttempt, prepareStore, type Course } from './attempt.js';
import { renderProfile, selfTimesOf, type CpuProfile, type ThreadProfile } from './cpu-profile.js';
import { packedBy, provideLake, sizeOf, type DataSet } from './data-sets.js';
import { replacePart } from './document.js';
import { describeMachine } from './machine.js';
import { hasGnuTime } from './measure.js';
import type { BenchOptions } from './options.js';
import { withScratch } from './scratch.js';
import { startServer } from './server.js';
import { secondsText, sizeText } from './table.js';
import { SUBJECT, type Work } from './works.js';

/** Returns the Markdown, and puts it into the document of `options.into`. */
export async function runProfile(options: BenchOptions, work: Work): Promise<string> {
  const dataSet = options.dataSets.find(({ works }) => works.includes(work.name));
  if (dataSet === undefined) throw new Error(`--profile ${work.name}: none of the data is for it`);
  const report = await withScratch(options.scratchParent, (scratch) => profile(options, work, dataSet, scratch));
  if (options.into !== undefined) {
    const document = await readFile(options.into, 'utf8');
    const today = new Date().toISOString().slice(0, 10);
    await writeFile(options.into, replacePart(document, `profile ${work.name}`, today, report));
  }
  return report;
}

async function profile(options: BenchOptions, work: Work, dataSet: DataSet, scratch: string): Promise<string> {
  const machine = await describeMachine(scratch);
  const profiles = path.join(scratch, 'profiles');
  await mkdir(profiles);
  const server = work.needs === 'server' ? await startServer() : undefined;
  try {
    const course: Course = {
      ...{ scratch, server, packedBy: packedBy(dataSet), cores: Math.max(...options.cores) },
      lake: await provideLake(dataSet, scratch, options.scale),
      lakepack: [process.execPath, options.bin],
      withGnuTime: await hasGnuTime(),
    };
    if (work.needs !== undefined) await prepareStore(course, SUBJECT);
    if (server !== undefined) await fillServer(course, server);
    await measureAttempt(course, SUBJECT, work.name);
    const plain = await measureAttempt(course, SUBJECT, work.name);
    const words = [process.execPath, '--cpu-prof', '--cpu-prof-dir', profiles, options.bin] as const;
    const profiled = await measureAttempt({ ...course, lakepack: words }, SUBJECT, work.name);
    const threads = await readThreads(profiles);
    const size = `${dataSet.name}, ${sizeText(sizeOf(course.lake))}`;
    const walls = `${secondsText(plain.wallSeconds)} s, profiled ${secondsText(profiled.wallSeconds)} s`;
    const cores = course.cores === 1 ? '1 core' : `${course.cores} cores`;
    return [
      `### Profile: ${work.name}`,
      `\`${work.name}\` of ${size}, on ${cores} of ${machine.cpu}, load before ${machine.loadAverage}: ${walls}.`,
      renderProfile(selfTimesOf(threads), threads.length - 1, profiled.cpuSeconds),
    ].join('\n\n');
  } finally {
    await server?.stop();
  }
}

/** V8 writes a file a thread: `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`; the main thread is number 0. */
async function readThreads(folder: string): Promise<ThreadProfile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  if (names.length === 0) throw new Error('the profiler wrote nothing');
  return Promise.all(
    names.map(async (name) => ({
      isMain: name.split('.')[4] === '0',
      profile: JSON.parse(await readFile(path.join(folder, name), 'utf8')) as CpuProfile,
    })),
  );
}
