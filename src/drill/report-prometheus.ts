/**
 * A drill as a Prometheus text file, for node_exporter's textfile collector. The file says what the last drill found; it
 * keeps saying so until the next, hence the time of it: alert on `lakepack_drill_last_run_timestamp_seconds` too.
 */
import { DRILL_REASONS, type DrillRecord } from '../schema/drill-record.js';

const OUTCOMES = ['pass', 'fail', 'inconclusive'] as const;

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** Text exposition format 0.0.4, every series with HELP and TYPE, a line feed at the end. */
export function drillPrometheus(record: DrillRecord): string {
  return [...families(record)].join('');
}

function* families(record: DrillRecord): Generator<string> {
  const archive: Labels = { archive: record.archive };
  const at = Date.parse(record.finishedAt) / 1_000;
  const one = (value: number): readonly Sample[] => [{ labels: archive, value }];
  yield gauge('drill_success', '1 when the last drill passed, else 0.', one(record.outcome === 'pass' ? 1 : 0));
  yield gauge(
    'drill_outcome',
    '1 for the outcome of the last drill, 0 for the others.',
    OUTCOMES.map((outcome) => ({ labels: { ...archive, outcome }, value: outcome === record.outcome ? 1 : 0 })),
  );
  yield gauge(
    'drill_reason',
    'Reasons for which the last drill did not pass, by code.',
    reasonSamples(record, archive),
  );
  yield gauge('drill_last_run_timestamp_seconds', 'When the last drill ended.', one(at));
  yield gauge('drill_duration_seconds', 'Time that each step of the last drill took.', stepSamples(record, archive));
  yield gauge('drill_rto_seconds', 'Recovery time of the last drill.', one(record.rtoMs / 1_000));
  if (record.rpoMs !== undefined) {
    yield gauge(
      'drill_rpo_seconds',
      'Age of the newest drilled export when the last drill began.',
      one(record.rpoMs / 1_000),
    );
  }
  yield gauge('drill_restored_bytes', 'Bytes of files that the last drill restored.', one(record.totals.bytes));
  yield gauge('drill_pulled_bytes', 'Bytes that the last drill took from the archive.', one(record.totals.storedBytes));
  yield gauge('drill_exports_left', 'Exports that the budget left for another drill.', one(record.exportsLeft));
  yield gauge('drill_rows', 'Rows that the last drill read back, by table and store.', rowSamples(record, archive));
  yield gauge(
    'last_proven_timestamp_seconds',
    'When an export of the partition was last restored and found right, for those that the last drill proved.',
    record.exports
      .filter(({ proven }) => proven)
      .map(({ path }) => ({ labels: { ...archive, partition: path }, value: at })),
  );
}

function reasonSamples({ reasons }: DrillRecord, archive: Labels): readonly Sample[] {
  const codes = Object.keys(DRILL_REASONS).filter((code) => reasons.some((reason) => reason.code === code));
  return codes.map((code) => ({
    labels: { ...archive, code },
    value: reasons.filter((reason) => reason.code === code).length,
  }));
}

function stepSamples({ steps }: DrillRecord, archive: Labels): readonly Sample[] {
  const done = steps.filter(({ outcome }) => outcome !== 'skipped');
  const spent = new Map<string, { readonly labels: Labels; readonly ms: number }>();
  for (const { name, store, elapsedMs } of done) {
    const labels = { ...archive, step: name, store: store ?? '' };
    const key = JSON.stringify(labels);
    // A series may stand once: a step that was done twice is added up.
    spent.set(key, { labels, ms: (spent.get(key)?.ms ?? 0) + elapsedMs });
  }
  return [...spent.values()].map(({ labels, ms }) => ({ labels, value: ms / 1_000 }));
}

function rowSamples({ stores }: DrillRecord, archive: Labels): readonly Sample[] {
  return stores.flatMap((store) =>
    store.tables.map((table) => ({ labels: { ...archive, store: store.name, table: table.name }, value: table.rows })),
  );
}

/** Nothing for a family without samples: a HELP line alone tells nobody anything. */
function gauge(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `lakepack_${name}`;
  const lines = samples.map(({ labels, value }) => `${full}${labelText(labels ?? {})} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
