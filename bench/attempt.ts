/** One attempt of one contender: prepared, timed, weighed, and in the warm-up compared with the lake. */
import path from 'node:path';
import type { Attempt, Contender, Place, WorkName } from './contender.js';
import { sizeOf } from './data-sets.js';
import { runTimed, runUntimed } from './measure.js';
import type { Sample } from './results.js';
import { settleDisk, withFresh } from './scratch.js';
import { SUBJECT } from './works.js';

/** The same for all attempts on one lake. */
export interface Course {
  readonly lake: string;
  readonly scratch: string;
  readonly cores: number;
  readonly withGnuTime: boolean;
}

/** Makes what this contender will verify and restore. Not timed, kept until the scratch folder goes. */
export async function prepareStore(course: Course, contender: Contender): Promise<void> {
  const attempt = contender.attempts.pack?.(placeOf(course, contender, storeOf(course, contender)));
  if (attempt === undefined) return;
  await runUntimed({ argv: ['mkdir', '-p', storeOf(course, contender)] });
  for (const command of [...(attempt.before ?? []), attempt.timed]) await runUntimed(command);
}

export async function measureAttempt(
  course: Course,
  contender: Contender,
  work: WorkName,
  mustCompare: boolean,
): Promise<Omit<Sample, 'round'>> {
  const fresh = path.join(course.scratch, 'fresh');
  const attempt = contender.attempts[work]?.(placeOf(course, contender, fresh));
  if (attempt === undefined) throw new Error(`${contender.name}: cannot ${work}`);
  return withFresh(fresh, async () => {
    for (const command of attempt.before ?? []) await runUntimed(command);
    await settleDisk(course.scratch);
    const cost = await runTimed(attempt.timed, course.withGnuTime);
    if (mustCompare) await assertRestored(course.lake, attempt);
    return { ...cost, storedBytes: attempt.stored === undefined ? null : (await sizeOf(attempt.stored)).bytes };
  });
}

async function assertRestored(lake: string, attempt: Attempt): Promise<void> {
  if (attempt.restored === undefined) return;
  await runUntimed({ argv: ['diff', '-rq', '--no-dereference', lake, attempt.restored] });
}

function placeOf(course: Course, contender: Contender, fresh: string): Place {
  const { lake, cores } = course;
  return { lake, cores, fresh, store: storeOf(course, contender), ourStore: storeOf(course, SUBJECT) };
}

function storeOf(course: Course, contender: Contender): string {
  return path.join(course.scratch, 'stores', contender.name.replaceAll(/[^a-z]+/g, '-'));
}
