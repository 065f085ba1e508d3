/** What is measured with what, and in which order contenders take their turns. Pure. */
import { BOUNDS } from './bounds.js';
import type { Contender } from './contender.js';
import type { DataSet } from './data-sets.js';
import type { Work } from './works.js';

/** Contenders that are compared with each other. */
export interface Match {
  readonly dataSet: DataSet;
  readonly work: Work;
  readonly contenders: readonly Contender[];
  readonly cores: number;
}

export interface Choice {
  readonly dataSets: readonly DataSet[];
  /** Of those that each data set is made for. Undefined: all of them. */
  readonly works: readonly Work[] | undefined;
  readonly contenders: readonly Contender[];
  readonly cores: readonly number[];
  /** Only what the table of bounds needs. */
  readonly isBounds: boolean;
}

/** Ordered by data set, so that each is made once. Matches that only one contender could take part in are kept: its figures count too. */
export function matchesOf(choice: Choice, allWorks: readonly Work[]): Match[] {
  const { dataSets, contenders, cores } = choice;
  return dataSets
    .flatMap((dataSet) =>
      cores.flatMap((count) =>
        allWorks
          .filter(
            ({ name }) => dataSet.works.includes(name) && (choice.works?.some((work) => work.name === name) ?? true),
          )
          .map((work) => {
            const isWanted = ({ name }: Contender) =>
              !choice.isBounds || neededByBounds(dataSet, work, contenders[0]!, name);
            const able = contenders.filter((one) => one.attempts[work.name] !== undefined && isWanted(one));
            return { dataSet, work, contenders: able, cores: count };
          }),
      ),
    )
    .filter((match) => match.contenders.length > 0);
}

function neededByBounds(dataSet: DataSet, work: Work, subject: Contender, contender: string): boolean {
  const rows = BOUNDS.filter((row) => row.work === work.name && row.dataSet === dataSet.name);
  return rows.length > 0 && (contender === subject.name || rows.some((row) => row.against === contender));
}

export interface Turn<T> {
  readonly contender: T;
  /** From 1. Warm-up rounds are counted apart. */
  readonly round: number;
  readonly isWarmUp: boolean;
}

/**
 * Interleaved, A B C A B C …: what slows the machine down for a while (another user, heat) then meets every contender and
 * not only one. Warm-up rounds come first, in the same order; they fill the page cache and are thrown away.
 */
export function interleave<T>(contenders: readonly T[], rounds: number, warmUpRounds: number): Turn<T>[] {
  const block = (isWarmUp: boolean) => (_: unknown, index: number) =>
    contenders.map((contender) => ({ contender, round: index + 1, isWarmUp }));
  return [...Array.from({ length: warmUpRounds }, block(true)), ...Array.from({ length: rounds }, block(false))].flat();
}
