/**
 * In which order test files run: those that take long first, so that no worker is left alone with one at the end. It
 * changes no result, since no test depends on another.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By what they took last; a file that is not here takes less than ten seconds. */
const LONG = [
  'test/campaigns/',
  'test/bundle/damage',
  'test/drill/damage',
  'test/operations/transferring/troubled',
  'test/remote/s3-check',
  'test/journey',
  'test/readme',
  'test/repository',
  'test/operations/packing/distant',
  'test/stores/postgres',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted].sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}

/** A process is used again only by the next file in line: those that share processes stand together. */
function groupOf({ project }: TestSpecification): number {
  return project.config.isolate ? 0 : 1;
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.findIndex((part) => moduleId.includes(`/${part}`));
  return rank === -1 ? LONG.length : rank;
}
