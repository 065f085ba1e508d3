/** One attempt of one contender: prepared, timed, weighed, and in the warm-up compared with the original. */
import path from 'node:path';
import type { Attempt, Command, Contender, Place, ServerPlace, WorkName } from './contender.js';
import { sizeOf } from './data-sets.js';
import { onCores, runTimed, runUntimed } from './measure.js';
import type { Sample } from './results.js';
import { settleDisk, withFresh } from './scratch.js';
import type { BenchServer } from './server.js';
import { SUBJECT } from './works.js';

/** The same for all attempts on one lake. */
export interface Course {
  readonly lake: string;
  readonly scratch: string;
  readonly lakepack: Command['argv'];
  readonly cores: number;
  readonly withGnuTime: boolean;
  /** What made the stores that are verified, restored and sent. */
  readonly packedBy: WorkName;
  readonly server: BenchServer | undefined;
}

/** What is found out in a warm-up round: what is restored equals the original, and how many requests it took. */
export interface Trial {
  readonly requests: number | null;
}

/** Makes what this contender will verify and restore. Not timed, kept until the scratch folder goes. */
export async function prepareStore(course: Course, contender: Contender): Promise<void> {
  const store = storeOf(course, contender);
  const attempt = contender.attempts[course.packedBy]?.(placeOf(course, contender, store));
  if (attempt === undefined) return;
  await runUntimed({ argv: ['mkdir', '-p', store] });
  for (const command of [...(attempt.before ?? []), attempt.timed]) await runUntimed(command);
}

/** Pushes the subject's store to where pulls will find it. Not timed. */
export async function fillServer(course: Course, server: BenchServer): Promise<void> {
  const fresh = path.join(course.scratch, 'fresh');
  const place = placeOf(course, SUBJECT, fresh, server.placeAt(server.stored));
  await withFresh(fresh, async () => runUntimed(attemptOf(SUBJECT, 'push', place).timed));
}

export async function measureAttempt(
  course: Course,
  contender: Contender,
  work: WorkName,
): Promise<Omit<Sample, 'round'>> {
  return runAttempt(course, contender, work, course.server?.placeAt, async (attempt) => {
    const command = onCores(attempt.timed, course.cores);
    const cost = await runTimed(command, course.withGnuTime, attempt.times ?? 1);
    return { ...cost, storedBytes: attempt.stored === undefined ? null : sizeOf(attempt.stored).bytes };
  });
}

/** As measured, but through a proxy that counts requests; throws when something else was restored than was packed. */
export async function tryAttempt(course: Course, contender: Contender, work: WorkName): Promise<Trial> {
  const { server } = course;
  server?.startCounting();
  return runAttempt(course, contender, work, server?.countedPlaceAt, async (attempt) => {
    await runUntimed(attempt.timed);
    const requests = server?.countedRequests() ?? null;
    if (attempt.restored !== undefined) {
      const original = attempt.original ?? course.lake;
      await runUntimed({ argv: ['diff', '-rq', '--no-dereference', original, attempt.restored] });
    }
    return { requests };
  });
}

async function runAttempt<T>(
  course: Course,
  contender: Contender,
  work: WorkName,
  placeAt: BenchServer['placeAt'] | undefined,
  act: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const fresh = path.join(course.scratch, 'fresh');
  return withFresh(fresh, async () => {
    const target = work === 'push' ? await course.server?.createTarget() : undefined;
    try {
      const server = placeAt?.(target ?? 'nowhere');
      const attempt = attemptOf(contender, work, placeOf(course, contender, fresh, server));
      for (const command of attempt.before ?? []) await runUntimed(command);
      await settleDisk(course.scratch);
      return await act(attempt);
    } finally {
      if (target !== undefined) await course.server?.removeTarget(target);
    }
  });
}

function attemptOf(contender: Contender, work: WorkName, place: Place): Attempt {
  const attempt = contender.attempts[work]?.(place);
  if (attempt === undefined) throw new Error(`${contender.name}: cannot ${work}`);
  return attempt;
}

function placeOf(course: Course, contender: Contender, fresh: string, server?: ServerPlace): Place {
  const { lake, lakepack, cores } = course;
  const stores = { store: storeOf(course, contender), ourStore: storeOf(course, SUBJECT) };
  return { lake, lakepack, cores, fresh, ...stores, ...(server !== undefined && { server }) };
}

function storeOf(course: Course, contender: Contender): string {
  return path.join(course.scratch, 'stores', contender.name.replaceAll(/[^a-z0-9]+/g, '-'));
}
