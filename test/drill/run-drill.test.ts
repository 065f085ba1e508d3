/** Whole drills: a clean pass, every class of damage with its own reason, and nothing left behind. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive } from '../../src/archive/archive.js';
import { interrupted, LakepackError } from '../../src/base/errors.js';
import { faulty } from '../remote/faulty.js';
import { codeOf, makeFolder, packInto, write } from '../operations/lakes.js';
import { copyOf } from '../operations/transferring/kit.js';
import { flipBit, keyOf, packedLake, pretended, reasons, RECIPE, runOn, type Packed } from './drill-kit.js';

describe('an undamaged archive', () => {
  test('passes on its files, proves every export, leaves evidence and nothing else', async () => {
    const packed = await packedLake();
    const before = new Map(packed.remote.objects);
    const report = await runOn(packed);
    const { record, evidenceKey = '' } = report;
    expect(record).toMatchObject({ outcome: 'pass', reasons: [], exportsLeft: 0, previous: null, stores: [] });
    expect(record.exports.map(({ path: name, proven }) => `${name} ${proven}`)).toEqual([
      'silver/apps/dt=2025-10-11 true',
      'silver/apps/dt=2025-10-12 true',
      'silver/users/dt=2025-10-12 true',
    ]);
    expect(record.steps.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'pick pass',
      'pull pass',
      'verify pass',
      'unpack pass',
      'tear-down pass',
    ]);
    expect(record.totals).toMatchObject({ exports: 3, files: 3 });
    expect(fs.readdirSync(packed.scratch)).toEqual([]);
    expect(fs.readdirSync(path.join(packed.place.stateDir, 'drills'))).toEqual([]);
    const added = [...packed.remote.objects.keys()].filter((key) => !before.has(key));
    expect(added).toEqual([evidenceKey]);
    expect(JSON.parse(packed.remote.objects.get(evidenceKey)!.toString())).toMatchObject({ drillId: record.drillId });
  });

  test('passes with its stores, which are built apart and discarded, never published', async () => {
    const packed = await packedLake();
    const calls: string[] = [];
    const { record } = await runOn(packed, { recipe: RECIPE, tools: pretended(calls) });
    expect(record).toMatchObject({ outcome: 'pass', recipe: { from: 'given' }, totals: { rows: 6 } });
    expect(record.stores).toMatchObject([
      { name: 'local', outcome: 'pass', tables: [{ name: 'apps' }, { name: 'users' }] },
    ]);
    expect(calls).toEqual(['open local.duckdb', 'discard local.duckdb', 'close']);
    expect(record.rtoMs).toBeLessThanOrEqual(record.elapsedMs);
  });

  test('is told by its age: the recovery point is that of its newest export', async () => {
    const packed = await packedLake();
    const created = Date.parse((await runOn(packed)).record.exports[0]!.createdAt);
    const { record } = await runOn(packed, { tools: { now: () => new Date(created + 86_400_000) } });
    expect(Math.round(record.rpoMs! / 60_000)).toBe(24 * 60);
  });
});

type Damage = (packed: Packed) => void;

const DAMAGES: readonly (readonly [string, string, Damage])[] = [
  ['a flipped bit', 'BUNDLE_DAMAGED pull', ({ remote }) => flipBit(remote, /tar\.zst$/)],
  ['a missing bundle', 'BUNDLE_MISSING pull', ({ remote }) => remote.objects.delete(keyOf(remote, /tar\.zst$/))],
  ['a truncated bundle', 'BUNDLE_TRUNCATED pull', (packed) => truncate(packed, /tar\.zst$/)],
  ['a changed manifest', 'MANIFEST_DAMAGED pick', (packed) => truncate(packed, /export\.json$/)],
  [
    'a missing manifest',
    'MANIFEST_MISSING pick',
    ({ remote }) => remote.objects.delete(keyOf(remote, /export\.json$/)),
  ],
  ['an export that nobody finished', 'EXPORT_UNFINISHED pick', unfinish],
];

function truncate({ remote }: Packed, pattern: RegExp): void {
  const key = keyOf(remote, pattern);
  const bytes = remote.objects.get(key)!;
  remote.objects.set(key, bytes.subarray(0, bytes.length >> 1));
}

function unfinish({ remote }: Packed): void {
  remote.objects.delete(keyOf(remote, /export\.json$/));
  remote.objects.delete(keyOf(remote, /SHA256SUMS$/));
}

describe('damage', () => {
  test.each(DAMAGES)('%s fails as %s, and the other exports are proven', async (_name, reason, damage) => {
    const packed = await packedLake();
    damage(packed);
    const { record, ...report } = await runOn(packed, { keep: 'never' });
    expect(record.outcome).toBe('fail');
    expect(reasons({ record, ...report })).toEqual([reason]);
    expect(record.exports.filter(({ proven }) => proven)).toHaveLength(2);
    expect(fs.readdirSync(packed.scratch)).toEqual([]);
  });

  test('an export that a drill proved and that is gone with all it had fails', async () => {
    const packed = await packedLake();
    await runOn(packed);
    for (const key of packed.remote.objects.keys()) if (key.includes('silver/users')) packed.remote.objects.delete(key);
    expect(reasons(await runOn(packed))).toEqual(['MANIFEST_MISSING pick']);
    const later = { now: () => new Date(Date.now() + 100 * 86_400_000) };
    expect(reasons(await runOn(packed, { tools: later }))).toEqual([]);
  });

  test('an export that was replaced by a newer one is no loss', async () => {
    const packed = await packedLake();
    await runOn(packed);
    const old = keyOf(packed.remote, /^manifests\/silver\/users/);
    write(packed.place.lake, 'silver/users/dt=2025-10-12/part-0.csv', 'id\n8\n');
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await packInto(packed.place, { to: new Archive(packed.remote) });
    packed.remote.objects.delete(old);
    expect(reasons(await runOn(packed))).toEqual([]);
  });

  test('a half-finished migration fails beside its source', async () => {
    const packed = await packedLake();
    const source = copyOf(packed.remote);
    for (const key of packed.remote.objects.keys()) if (key.includes('silver/apps')) packed.remote.objects.delete(key);
    expect(reasons(await runOn(packed))).toEqual([]);
    const report = await runOn(packed, { sameAs: new Archive(source) });
    expect(reasons(report)).toEqual(['EXPORTS_MISSING pick']);
    expect(report.record.reasons[0]!.message).toContain('2 exports');
  });

  test('what a fallback gave restores, and fails all the same: the archive itself is damaged', async () => {
    const packed = await packedLake();
    const sound = copyOf(packed.remote);
    flipBit(packed.remote, /tar\.zst$/);
    const from = new Archive(packed.remote, { fallbacks: [new Archive(sound)] });
    const { record } = await runOn(packed, { from });
    expect(record.reasons.map(({ code }) => code)).toContain('BUNDLE_DAMAGED');
    expect(record.exports.filter(({ proven }) => proven)).toHaveLength(2);
  });

  test('a table that differs fails, and nothing that feeds it is proven', async () => {
    const packed = await packedLake();
    const tools = pretended();
    const { record } = await runOn(packed, {
      recipe: RECIPE,
      keep: 'never',
      tools: {
        ...tools,
        checkTable: async (request) => {
          const check = await tools.checkTable!(request);
          if (check.name !== 'users') return check;
          const difference = { level: 'L0', reason: 'ROWS_DIFFER', table: 'users', expected: '1', found: '0' } as const;
          return { ...check, outcome: 'fail', differences: [difference] };
        },
      },
    });
    expect(record).toMatchObject({ outcome: 'fail', reasons: [{ code: 'ROWS_DIFFER', step: 'compare' }] });
    expect(record.exports.filter(({ proven }) => !proven).map((one) => one.path)).toEqual([
      'silver/users/dt=2025-10-12',
    ]);
  });
});

describe('nobody could look', () => {
  const refusals = [
    ['ARCHIVE_UNREACHABLE', new LakepackError('REMOTE_UNAVAILABLE', 'store: does not answer')],
    ['CREDENTIALS_REFUSED', new LakepackError('CREDENTIALS_INVALID', 'store: does not accept the key (InvalidToken)')],
    ['CREDENTIALS_EXPIRED', new LakepackError('CREDENTIALS_INVALID', 'store: the key has expired (ExpiredToken)')],
    ['ACCESS_DENIED', new LakepackError('PERMISSION_DENIED', 'store: the key may not do this')],
    ['INTERNAL', new TypeError('undefined is not a function')],
  ] as const;

  test.each(refusals)('%s at the first listing is inconclusive, with no evidence', async (code, error) => {
    const packed = await packedLake();
    const remote = faulty(packed.remote, [{ kind: 'fail', times: 1_000, error: () => error }]);
    const report = await runOn(packed, { remote });
    expect(report.record.outcome).toBe('inconclusive');
    expect(reasons(report)).toEqual([`${code} pick`]);
    expect(report.findings.map((one) => one.code)).toEqual(['EVIDENCE_NOT_STORED']);
    expect(report.evidenceKey).toBeUndefined();
  });

  test('credentials that expire while bundles are pulled are inconclusive, not damage', async () => {
    const packed = await packedLake();
    const error = (): Error => new LakepackError('CREDENTIALS_INVALID', 'store: refused (ExpiredToken)');
    const remote = faulty(packed.remote, [{ kind: 'fail', key: /tar\.zst$/, nth: 2, times: 1_000, error }]);
    const report = await runOn(packed, { remote });
    expect(reasons(report)).toEqual(['CREDENTIALS_EXPIRED pull']);
    expect(report.record.outcome).toBe('inconclusive');
    expect(fs.readdirSync(packed.scratch)).toEqual([]);
  });

  test('a disk without room is found before anything is pulled', async () => {
    const packed = await packedLake();
    const report = await runOn(packed, { tools: { freeBytes: async () => 10 } });
    expect(reasons(report)).toEqual(['DISK_FULL pick']);
    expect(report.record).toMatchObject({ outcome: 'inconclusive', rtoMs: 0, exports: [] });
  });

  test('a store that is down is inconclusive; one without a server says which variables to set', async () => {
    const packed = await packedLake();
    const down = (): Promise<never> => Promise.reject(new LakepackError('STORE_UNAVAILABLE', 'postgres: refused'));
    const recipe = { ...RECIPE, stores: { pg: { engine: 'postgres' } } } as const;
    const environment = { PGHOST: '127.0.0.1' };
    const report = await runOn(packed, { recipe, environment, tools: { ...pretended(), openStore: down } });
    expect(reasons(report)).toEqual(['STORE_UNREACHABLE rebuild']);
    expect(report.record).toMatchObject({ outcome: 'inconclusive', stores: [{ outcome: 'inconclusive', tables: [] }] });
    const unnamed = await runOn(packed, { recipe, tools: pretended() });
    expect(reasons(unnamed)).toEqual(['STORE_UNREACHABLE rebuild']);
    expect(unnamed.record.reasons[0]!.hint).toMatch(/PGHOST.*--stores/s);
  });

  test('an archive without exports, and a budget that nothing fits, are no pass', async () => {
    const packed = await packedLake();
    const small = await runOn(packed, { plan: { budget: { maxBytes: 1 } } });
    expect(reasons(small)).toEqual(['BUDGET_REACHED pick']);
    expect(small.record.exportsLeft).toBe(3);
    packed.remote.objects.clear();
    expect(reasons(await runOn(packed))).toEqual(['NOTHING_TO_DRILL pick']);
    expect(
      reasons(await runOn(packed, { from: path.join(packed.scratch, 'no such folder'), evidence: { kind: 'none' } })),
    ).toEqual(['ARCHIVE_UNREACHABLE pick']);
  });

  test('an interrupt tears down and still leaves evidence', async () => {
    const packed = await packedLake();
    const stop = new AbortController();
    const report = await runOn(packed, {
      recipe: RECIPE,
      signal: stop.signal,
      tools: pretended([], {
        build: async () => {
          stop.abort();
          throw interrupted();
        },
      }),
    });
    expect(reasons(report)).toEqual(['INTERRUPTED rebuild']);
    expect(report.record.exports.some(({ proven }) => proven)).toBe(false);
    expect(report.evidenceKey).toBeDefined();
    expect(fs.readdirSync(packed.scratch)).toEqual([]);
  });

  test('a failure beats what nobody could look at', async () => {
    const packed = await packedLake();
    flipBit(packed.remote, /tar\.zst$/);
    const down = (): Promise<never> => Promise.reject(new LakepackError('STORE_UNAVAILABLE', 'duckdb: is down'));
    const report = await runOn(packed, { recipe: RECIPE, keep: 'never', tools: { ...pretended(), openStore: down } });
    expect(reasons(report)).toEqual(['BUNDLE_DAMAGED pull', 'STORE_UNREACHABLE rebuild']);
    expect(report.record.outcome).toBe('fail');
  });
});

describe('what a drill leaves', () => {
  test('stays on a failure, for a look, and is told; never on a pass', async () => {
    const packed = await packedLake();
    flipBit(packed.remote, /tar\.zst$/);
    const calls: string[] = [];
    const { record } = await runOn(packed, { recipe: RECIPE, tools: pretended(calls) });
    expect(fs.readdirSync(packed.scratch)).toEqual([path.basename(record.kept!.scratch)]);
    expect(calls).toEqual(['open local.duckdb', 'close']);
    const next = await runOn(packed, { recipe: RECIPE, keep: 'never', tools: pretended() });
    expect(next.record.kept).toBeUndefined();
    expect(fs.readdirSync(packed.scratch)).toEqual([path.basename(record.kept!.scratch)]);
  });

  test('of a drill that was killed, the next one removes: folder and server store', async () => {
    const packed = await packedLake();
    const drillId = '20260101T000000Z-0a0b0c0d';
    const folder = path.join(packed.scratch, `lakepack-drill-${drillId}`);
    write(folder, '.lakepack-drill', `lakepack-drill-${drillId}\n`);
    write(folder, 'lake/file', 'x');
    const store = { into: 'lakepack_drill_x', marker: 'm', settings: { engine: 'postgres' } };
    write(
      packed.place.stateDir,
      `drills/${drillId}.made.json`,
      JSON.stringify({ drillId, scratch: folder, stores: [store] }),
    );
    const calls: string[] = [];
    const report = await runOn(packed, { tools: pretended(calls) });
    expect(report.record.outcome).toBe('pass');
    expect(calls).toEqual(['open lakepack_drill_x', 'discard lakepack_drill_x', 'close']);
    expect(fs.readdirSync(packed.scratch)).toEqual([]);
    expect(fs.readdirSync(path.join(packed.place.stateDir, 'drills'))).toEqual([]);
  });

  test('a journal that names a folder which no drill made removes nothing', async () => {
    const packed = await packedLake();
    const precious = makeFolder();
    write(precious, 'precious', 'x');
    const drillId = '20260101T000000Z-0a0b0c0e';
    write(
      packed.place.stateDir,
      `drills/${drillId}.made.json`,
      JSON.stringify({ drillId, scratch: precious, stores: [] }),
    );
    const report = await runOn(packed);
    expect(fs.existsSync(path.join(precious, 'precious'))).toBe(true);
    expect(report.findings).toHaveLength(1);
  });
});

describe('a budget', () => {
  test('spreads the proof over nights, oldest unproven first, until all is covered', async () => {
    const packed = await packedLake();
    const whole = (await runOn(packed, { evidence: { kind: 'none' } })).record;
    const maxBytes = Math.max(...whole.exports.map(({ storedBytes }) => storedBytes));
    const seen = new Set<string>();
    for (let night = 0; night < 3; night += 1) {
      const { record } = await runOn(packed, {
        plan: { pick: { how: 'oldest-unproven' }, budget: { maxBytes } },
        tools: { now: () => new Date(Date.now() + night * 3_600_000) },
      });
      expect(record).toMatchObject({ outcome: 'pass', exportsLeft: 2 });
      record.exports.forEach(({ path: name }) => seen.add(name));
    }
    expect(seen.size).toBe(3);
  });

  test('of minutes begins no further export after them', async () => {
    const tree = Object.fromEntries(
      Array.from({ length: 18 }, (_, day) => [`silver/apps/dt=2025-10-${day + 10}/part-0.csv`, `id\n${day}\n`]),
    );
    const packed = await packedLake(tree);
    let ms = 0;
    const clockMs = (): number => (ms += 60_000);
    const { record } = await runOn(packed, { plan: { budget: { maxMinutes: 0.5 } }, tools: { clockMs } });
    expect(record).toMatchObject({ outcome: 'pass', exportsLeft: 2, totals: { exports: 16 } });
  });
});

describe('a plan', () => {
  test('with assertions asks the rebuilt store', async () => {
    const packed = await packedLake();
    const assertion = { store: 'local', sql: 'SELECT count(*) FROM apps' };
    const assertions = [
      { name: 'right', equals: 3, ...assertion },
      { name: 'too few', atLeast: 4, ...assertion },
    ];
    const { record } = await runOn(packed, { recipe: RECIPE, keep: 'never', plan: { assertions }, tools: pretended() });
    expect(record.assertions.map(({ name, outcome, found }) => `${name} ${outcome} ${found}`)).toEqual([
      'right pass 3',
      'too few fail 3',
    ]);
    expect(record.reasons).toMatchObject([
      { code: 'ASSERTION_FAILED', message: 'too few: expected at least 4, got 3' },
    ]);
  });

  test('that names a store the recipe does not have is refused before anything is read', async () => {
    const packed = await packedLake();
    expect(await codeOf(runOn(packed, { recipe: RECIPE, plan: { stores: ['other'] } }))).toBe('PLAN_INVALID');
    expect(await codeOf(runOn(packed, { plan: { pick: { how: 'latest', select: { exports: ['2'] } } } }))).toBe(
      'no error',
    );
  });
});
