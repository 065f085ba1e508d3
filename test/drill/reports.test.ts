/** What the reports of a drill say, that they are well-formed, and that data cannot act in them. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { evidenceBytes } from '../../src/drill/evidence.js';
import { drillHtml } from '../../src/drill/report-html.js';
import { drillJUnit } from '../../src/drill/report-junit.js';
import { drillPrometheus } from '../../src/drill/report-prometheus.js';
import { reportFilesIn, writeDrillReports } from '../../src/drill/write-reports.js';
import { sha256Of } from '../../src/base/sha256.js';
import type { DrillRecord } from '../../src/schema/drill-record.js';
import { makeFolder } from '../lake/tree.js';
import {
  DRILL_ID,
  drilledExport,
  drilledTable,
  drillRecord,
  failedRecord,
  inconclusiveRecord,
} from './drill-records.js';

const RECORDS: readonly [string, DrillRecord][] = [
  ['pass', drillRecord()],
  ['fail', failedRecord()],
  ['inconclusive', inconclusiveRecord()],
];

/** Text that would be markup, end an attribute, a label or a comment, act on a terminal, or be no valid XML. */
const HOSTILE = `<script>alert(1)</script>"'&--> ]]> \u0000\u001b[31m\u202e\ufffe\ud800 \\ {x="1"}\nnext`;

function hostileRecord(): DrillRecord {
  const difference = { ...failedRecord().stores[0]!.tables[0]!.differences[0]!, column: HOSTILE, key: HOSTILE };
  const differences = [{ ...difference, table: HOSTILE, expected: HOSTILE, found: HOSTILE }];
  const levels = { L0: 'differs', L2: 'differs' } as const;
  const table = drilledTable(HOSTILE, { outcome: 'fail', differences, levels, expectedFromFilesBecause: HOSTILE });
  return failedRecord({
    ...{ archive: HOSTILE, plan: { name: HOSTILE, pick: HOSTILE }, kept: { scratch: HOSTILE, stores: [HOSTILE] } },
    reasons: [{ code: 'ROWS_DIFFER', step: 'compare', message: HOSTILE, where: HOSTILE, hint: HOSTILE }],
    exports: [drilledExport(HOSTILE)],
    stores: [{ name: HOSTILE, engine: 'duckdb', outcome: 'fail', tables: [table] }],
    assertions: [{ name: HOSTILE, store: HOSTILE, sql: HOSTILE, outcome: 'fail', expected: HOSTILE, found: HOSTILE }],
  });
}

const page = (record: DrillRecord): string =>
  drillHtml({
    record,
    findings: [],
    evidenceKey: `drills/2026/${record.drillId}.drill.json`,
    evidenceIn: record.archive,
  });

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

describe('the page', () => {
  test('says the verdict first, then the numbers, and where the evidence is', () => {
    const text = page(drillRecord());
    expect(text).toMatch(/<h1>.*The restore worked<\/h1>/);
    expect(text).toContain('All 3 exports were pulled, verified and restored, and every byte was compared.');
    for (const fact of ['2 min 33 s', '5 h 15 min', '12.6 MiB', '535,912', 'recall@10 0.998', DRILL_ID]) {
      expect(text).toContain(fact);
    }
    expect(text).toContain(sha256Of(evidenceBytes(drillRecord())));
    expect(text).toContain(drillRecord().previous!.sha256);
  });

  test('shows what differs with column, key, expected and found, and what was left out', () => {
    const text = page(failedRecord());
    expect(text).toMatch(/<h1>.*The restore failed<\/h1>/);
    for (const part of [
      'score',
      'cve_id=CVE-2024-1, dt=2026-11-20',
      '9.8',
      '8.9',
      '12 more differences',
      'ROWS_DIFFER',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('What to do: look at the kept store');
  });

  test('calls an unfinished drill neither good nor bad, and tells no recovery time of it', () => {
    const text = page(inconclusiveRecord());
    expect(text).toContain('could not be finished');
    expect(text).toContain('nothing against the archive, and nothing for it');
    expect(text).toContain('not known: the drill was not finished');
    expect(text).toContain('7 exports were left for another time');
    expect(text).not.toMatch(/✓ (pass|proven)|The restore (worked|failed)/);
  });

  test('lists at most 200 exports, those that are not proven first', () => {
    const exports = Array.from({ length: 500 }, (_, at) => drilledExport(`silver/p${at}`, { proven: at !== 499 }));
    const text = page(failedRecord({ exports }));
    expect(text.indexOf('silver/p499')).toBeGreaterThan(0);
    expect(text.indexOf('silver/p499')).toBeLessThan(text.indexOf('silver/p0<'));
    expect(text).toContain('200 of 500 are listed');
    expect(text).not.toContain('silver/p498');
  });

  test.each(RECORDS)('of a %s stands alone: nothing is loaded, nothing runs', (_, record) => {
    const text = page(record);
    expect(text).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b|\b(src|href|on\w+)=|url\(|@import/i);
    expect(text).toContain(`default-src 'none'`);
  });

  test.each(RECORDS)('of a %s closes every element it opens', (_, record) =>
    expect(unclosed(page(record))).toEqual([]),
  );

  test('shows hostile text as text', () => {
    const text = page(hostileRecord());
    expect(text).not.toMatch(/<script|<\/script/);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(unclosed(text)).toEqual([]);
  });
});

/** Elements that stay open, or are closed without having been opened. */
function unclosed(text: string): string[] {
  const open: string[] = [];
  const faults: string[] = [];
  for (const [, slash, name = '', end] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/g)) {
    if (['meta', 'br'].includes(name) || end === '/') continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) faults.push(`</${name}>`);
  }
  return [...faults, ...open];
}

describe('JUnit XML', () => {
  test('has a case for each step and for each level of each table', () => {
    const text = drillJUnit(drillRecord());
    expect(text).toMatch(
      /<testsuites name="lakepack drill" tests="\d+" failures="0" errors="0" skipped="0" time="209.400">/,
    );
    expect(text).toContain('<testsuite name="store tables (postgres)"');
    for (const name of [
      'rebuild vectors',
      'vulns: values (L2)',
      'embeddings: vectors (L4)',
      'assertion: no vulnerability',
    ]) {
      expect(text).toContain(`name="${name}`);
    }
  });

  test('says a difference as a failure with column, key, expected and found', () => {
    const text = drillJUnit(failedRecord());
    expect(text).toContain('<failure type="VALUES_DIFFER" message="values differ">');
    expect(text).toContain('column score, cve_id=CVE-2024-1, dt=2026-11-20: expected 9.8, found 8.9');
    expect(text).toContain('<failure type="ASSERTION_FAILED"');
  });

  test('says as an error that nobody could look: a CI must not take it for a pass', () => {
    const text = drillJUnit(inconclusiveRecord());
    expect(text).toMatch(/<error type="ARCHIVE_UNREACHABLE" message="s3:/);
    expect(text).not.toContain('<failure');
    const [, errors] = /errors="(\d+)"/.exec(text) ?? [];
    expect(Number(errors)).toBeGreaterThan(0);
  });

  test('counts what it has', () => {
    const text = drillJUnit(failedRecord());
    const [, tests, failures] = /<testsuites [^>]*tests="(\d+)" failures="(\d+)"/.exec(text) ?? [];
    expect(text.match(/<testcase /g)).toHaveLength(Number(tests));
    expect(text.match(/<failure /g)).toHaveLength(Number(failures));
  });

  test.skipIf(!has('python3'))('is well-formed, whatever the data', () => {
    const input = JSON.stringify([...RECORDS.map(([, one]) => one), hostileRecord()].map(drillJUnit));
    const parse =
      'import sys, json, xml.dom.minidom as x; [x.parseString(one.encode()) for one in json.load(sys.stdin)]';
    const { status, stderr } = spawnSync('python3', ['-c', parse], { input, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the Prometheus text file', () => {
  const SAMPLE =
    /^lakepack_[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\})? -?\d+(\.\d+)?$/;

  test.each([...RECORDS, ['hostile', hostileRecord()] as const])('of a %s is a valid exposition', (_, record) => {
    const lines = drillPrometheus(record).trimEnd().split('\n');
    const samples = lines.filter((line) => !line.startsWith('#'));
    for (const line of samples) expect(line).toMatch(SAMPLE);
    // One series stands once, and each family is announced before it, once.
    const series = samples.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(series).size).toBe(series.length);
    const announced = lines.flatMap((line) => /^# TYPE (\S+) gauge$/.exec(line)?.[1] ?? []);
    expect(new Set(announced).size).toBe(announced.length);
    expect(new Set(series.map((one) => one.replace(/\{.*/s, '')))).toEqual(new Set(announced));
  });

  test('has the numbers in seconds', () => {
    const text = drillPrometheus(drillRecord());
    const archive = 'archive="s3://lake-backups/prod"';
    for (const line of [
      `lakepack_drill_success{${archive}} 1`,
      `lakepack_drill_outcome{${archive},outcome="pass"} 1`,
      `lakepack_drill_rto_seconds{${archive}} 153.3`,
      `lakepack_drill_rpo_seconds{${archive}} 18900`,
      `lakepack_drill_duration_seconds{${archive},step="rebuild",store="vectors"} 54.9`,
      `lakepack_drill_rows{${archive},store="vectors",table="embeddings"} 44130`,
      `lakepack_drill_last_run_timestamp_seconds{${archive}} ${Date.parse('2026-11-21T03:18:29.400Z') / 1000}`,
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('says no success, and no proof, of what was not finished', () => {
    const text = drillPrometheus(inconclusiveRecord());
    expect(text).toMatch(/lakepack_drill_success\{[^}]*\} 0\n/);
    expect(text).toMatch(/outcome="inconclusive"\} 1\n/);
    expect(text).toMatch(/drill_reason\{[^}]*code="ARCHIVE_UNREACHABLE"\} 1\n/);
    expect(text).not.toContain('last_proven');
  });
});

describe('files of reports', () => {
  test('one of each is written, what was there is replaced, and nothing else is left', async () => {
    const folder = path.join(makeFolder(), 'reports', 'deep');
    const files = reportFilesIn(folder, DRILL_ID);
    const report = { record: drillRecord(), findings: [] };
    await writeDrillReports({ ...report, record: failedRecord() }, files);
    expect(await writeDrillReports(report, files)).toEqual(Object.values(files));
    const names = ['drill.json', 'html', 'junit.xml', 'prom'].map((ending) => `${DRILL_ID}.${ending}`);
    expect(fs.readdirSync(folder).sort()).toEqual(names.sort());
    expect(fs.readFileSync(files.json)).toEqual(evidenceBytes(drillRecord()));
    expect(fs.readFileSync(files.html, 'utf8')).toContain('The restore worked');
  });

  test('a folder in the place of a file is told, and no temporary stays', async () => {
    const folder = makeFolder();
    fs.mkdirSync(path.join(folder, 'x.prom'));
    const work = writeDrillReports(
      { record: drillRecord(), findings: [] },
      { prometheus: path.join(folder, 'x.prom') },
    );
    await expect(work).rejects.toMatchObject({ code: 'TARGET_CONFLICT' });
    expect(fs.readdirSync(folder)).toEqual(['x.prom']);
  });
});
