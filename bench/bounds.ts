/** What lakepack must keep, as a table: how long or large it may be against another tool, and what is wished for. Pure. */
import type { WorkName } from './contender.js';
import type { Results, Sample, Series } from './results.js';
import { spreadOf } from './statistics.js';

/** How the two medians become the value that is compared with bound and wish. */
type Measure =
  /** Ratio of wall times. */
  | 'wall'
  /** Ratio of stored bytes, manifests too. */
  | 'stored'
  /** The highest peak RSS of all rounds, in MiB. Against nobody. */
  | 'peak'
  /** Difference of wall times, in ms. */
  | 'extra';

export interface Bound {
  readonly words: string;
  readonly measure: Measure;
  readonly dataSet: string;
  readonly work: WorkName;
  readonly against: string | null;
  readonly bound: number;
  readonly wish: number;
}

export interface Judgement extends Bound {
  /** Null: not measured, or not on all cores. */
  readonly value: number | null;
  readonly verdict: 'wish' | 'kept' | 'missed' | 'not measured';
}

const PACK_REAL = 'pack `lake-real --by lake`';
const TAR_ZSTD = 'tar | zstd';
const BY_HAND = 'same work by hand';

const AGAINST: readonly Bound[] = [
  wall(`${PACK_REAL}, everything hashed`, 'lake-real', 'pack', BY_HAND, 0.65, 0.4),
  wall(PACK_REAL, 'lake-real', 'pack', TAR_ZSTD, 1.3, 1),
  wall('pack 2 GiB of Parquet and embeddings', 'parquet', 'pack', TAR_ZSTD, 0.8, 0.6),
  wall('pack 2 GiB of CSV/JSONL text', 'text', 'pack', TAR_ZSTD, 1.1, 1),
  wall('pack 100,000 tiny files', 'tiny', 'pack', TAR_ZSTD, 2, 1.2),
  wall('pack 2,000 one-file partitions, one export each', 'partitions', 'pack-partitions', 'shell loop', 0.8, 0.3),
  wall('unpack `lake-real`, every byte verified', 'lake-real', 'unpack', BY_HAND, 0.7, 0.5),
  wall('verify contents of `lake-real`', 'lake-real', 'verify', BY_HAND, 1, 0.6),
  wall('pack `lake-real`', 'lake-real', 'pack', 'restic', 0.4, 0.25),
  wall('restore `lake-real`', 'lake-real', 'unpack', 'restic', 0.4, 0.25),
  wall('push 2 GiB', 'parquet', 'push', 'rclone copy', 0.9, 0.6),
  wall('pull 2 GiB', 'parquet', 'pull', 'rclone copy', 0.9, 0.6),
  ...['lake-real', 'parquet', 'text', 'tiny'].map((dataSet) => ({
    ...wall(`stored bytes of \`${dataSet}\` at level 3`, dataSet, 'pack', TAR_ZSTD, 1.03, 1),
    measure: 'stored' as const,
  })),
  { ...wall('`lakepack --help`', 'none', 'help', 'node -e 0', 120, 60), measure: 'extra' },
  { ...wall('`lakepack --version`', 'none', 'version', 'node -e 0', 120, 60), measure: 'extra' },
];

const MANY = { dataSet: 'tiny-million', work: 'pack' } as const;

export const BOUNDS: readonly Bound[] = [
  ...AGAINST,
  ...uniquePlaces(AGAINST)
    .filter(({ dataSet }) => dataSet !== 'none')
    .map((place) => peak(`peak RSS, ${place.work} \`${place.dataSet}\``, place, 256, 160)),
  peak('peak RSS, 1,000,000 files in one export', MANY, 1024, 512),
];

/** Every row, in order. A ratio is that of the medians, on all cores of the machine. */
export function judge(results: Results): Judgement[] {
  return BOUNDS.map((bound) => {
    const value = measured(results, bound);
    return { ...bound, value, verdict: verdictOf(bound, value) };
  });
}

function measured(results: Results, bound: Bound): number | null {
  const find = (contender: string | null) =>
    results.series.find(
      (one) =>
        one.contender === contender &&
        one.work === bound.work &&
        one.dataSet === bound.dataSet &&
        one.cores === results.machine.cores,
    );
  const [ours, theirs] = [find(results.subject), find(bound.against)];
  if (bound.measure === 'peak') {
    const peakBytes = ours && spreadOf(ours.samples.map(({ peakRssBytes }) => peakRssBytes))?.max;
    return peakBytes === undefined ? null : peakBytes / 2 ** 20;
  }
  const field = bound.measure === 'stored' ? 'storedBytes' : 'wallSeconds';
  const [our, their] = [medianOf(ours, field), medianOf(theirs, field)];
  if (our === null || their === null || their === 0) return null;
  return bound.measure === 'extra' ? (our - their) * 1000 : our / their;
}

function medianOf(series: Series | undefined, field: keyof Sample): number | null {
  return spreadOf(series?.samples.map((sample) => sample[field]) ?? [])?.median ?? null;
}

function verdictOf({ bound, wish }: Bound, value: number | null): Judgement['verdict'] {
  if (value === null) return 'not measured';
  if (value <= wish) return 'wish';
  return value <= bound ? 'kept' : 'missed';
}

function wall(words: string, dataSet: string, work: WorkName, against: string, bound: number, wish: number): Bound {
  return { words, measure: 'wall', dataSet, work, against, bound, wish };
}

function peak(words: string, place: Pick<Bound, 'dataSet' | 'work'>, bound: number, wish: number): Bound {
  const { dataSet, work } = place;
  return { words, measure: 'peak', dataSet, work, against: null, bound, wish };
}

function uniquePlaces(rows: readonly Bound[]): Bound[] {
  return rows.filter(
    (row, index) => rows.findIndex(({ dataSet, work }) => dataSet === row.dataSet && work === row.work) === index,
  );
}
