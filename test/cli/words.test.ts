/** What a person reads on stdout. */
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/index.js';
import * as reports from './reports.js';
import { runCli } from './run-cli.js';

const { DAMAGE, WARNING, EXPORT_ID } = reports;
const ESCAPE = '\u001b';
const COLOUR = new RegExp(`${ESCAPE}\\[\\d+m`);

async function packed(change: Parameters<typeof reports.packReport>[0] = {}, flags: readonly string[] = []) {
  return (
    await runCli(['export', 'pack', 'lake', '--quiet', ...flags].filter(notQuietTwice), {
      pack: async () => reports.packReport(change),
    })
  ).stdout;
}

/** `--loud` takes the quiet away, so that each test says what it looks at. */
function notQuietTwice(flag: string, _index: number, all: readonly string[]): boolean {
  return flag !== '--loud' && !(flag === '--quiet' && all.includes('--loud'));
}

describe('export pack', () => {
  test('says what was packed, what was not, and what to do next', async () => {
    const text = await packed({}, ['--loud']);
    expect(text).toContain('packed 1 export: 120 files, 4.2 MiB → 1.1 MiB (26 %), 1 unchanged, in 1.2 s\n');
    expect(text).toContain('next: lakepack verify --archive lake\n');
    expect(text).toMatch(/^PARTITION +FILES +BYTES +STORED +STATUS +EXPORT\n/);
    expect(text).not.toContain('silver/old');
    expect(await packed({}, ['--loud', '--verbose'])).toContain('silver/old');
  });

  test('a run with nothing to do says so in one line', async () => {
    const totals = { ...reports.packReport().totals, packed: 0, unchanged: 2000 };
    expect(await packed({ exports: [], totals }, ['--loud'])).toBe('nothing new to pack: 2,000 unchanged, in 1.2 s\n');
  });

  test('a dry run says that nothing was written', async () => {
    const totals = { ...reports.packReport().totals, packed: 0, planned: 1 };
    const text = await packed({ dryRun: true, totals }, ['--loud']);
    expect(text).toContain('dry run, nothing was written: would pack 1 export: 120 files, 4.2 MiB → about 1.1 MiB');
    expect(text).not.toContain('next:');
  });

  test('--quiet says errors only', async () => {
    expect(await packed()).toBe('');
    const text = await packed({ findings: [DAMAGE, WARNING] });
    expect(text).toContain('BLOCK_HASH_WRONG');
    expect(text).not.toContain('SOURCE_SYMLINK');
  });

  test('long lists and many warnings are cut, and say so; errors never', async () => {
    const [one] = reports.packReport().exports;
    const exports = Array.from({ length: 2_000 }, () => ({ ...one!, findings: [] }));
    const findings = [...Array<Finding>(30).fill(WARNING), ...Array<Finding>(30).fill(DAMAGE)];
    const text = await packed({ exports, findings }, ['--loud']);
    expect(text).toContain('… and 1,980 more (--verbose shows all)');
    expect(text).toContain('… and 20 more warnings (--verbose shows all)');
    expect(text.match(/BLOCK_HASH_WRONG/g)).toHaveLength(30);
    const all = await packed({ exports, findings }, ['--loud', '--verbose']);
    expect(all.match(/SOURCE_SYMLINK/g)).toHaveLength(30);
    expect(all).not.toContain('…');
  });
});

describe('verify', () => {
  test('prints a finding with code, place, expected, found and what to do', async () => {
    const { stdout } = await runCli(['verify', '--archive', 'a'], {
      verify: async () => reports.verifyReport([DAMAGE]),
    });
    expect(stdout).toContain(`silver/vulns/dt=2025-10-11 ${EXPORT_ID}: 1 error\n`);
    expect(stdout).toContain('  error BLOCK_HASH_WRONG: a block does not have the bytes that were packed\n');
    expect(stdout).toContain(`bundle ${EXPORT_ID}-00001.tar.zst, block 3, frame 12, stored byte 50,331,648`);
    expect(stdout).toContain('tar byte 61,000,000, file silver/vulns/dt=2025-10-11/part-0.parquet\n');
    expect(stdout).toMatch(/expected {2}(ab){32}\n {4}found {5}(cd){32}\n {4}do {8}copy the bundle again/);
    expect(stdout).toContain('1 of 1 export damaged, 1 finding\n');
  });

  test('says what was looked at, and how to look at the same sample again', async () => {
    const { stdout } = await runCli(['verify', '--archive', 'a', '-v'], { verify: async () => reports.verifyReport() });
    expect(stdout).toContain('verified contents of 1 export (a sample of 5 %, --sample-seed 42 repeats it)');
    expect(stdout).toContain('120 files, read 1.1 MiB stored and 4.2 MiB of contents, in 80 ms\nall sound\n');
    expect(stdout).toContain(`ok silver/vulns/dt=2025-10-11 ${EXPORT_ID}: 1 bundle, 120 files\n`);
  });

  test('nothing to verify is not called sound', async () => {
    const totals = { exports: 0, damaged: 0, findings: 0, files: 0, storedBytesRead: 0, contentBytesRead: 0 };
    const verify = async () => reports.verifyReport([], { exports: [], totals });
    expect((await runCli(['verify', '--archive', 'a'], { verify })).stdout).toBe(
      'nothing to verify: no export matches\n',
    );
  });
});

describe('the other commands', () => {
  test('import unpack says what was restored, kept and taken over', async () => {
    const unpack = async () => reports.unpackReport();
    const { stdout } = await runCli('import unpack --all --from a --into ./out'.split(' '), { unpack });
    expect(stdout).toContain(
      'restored 1 export into ./out: 100 files, 3.8 MiB, 20 there already and equal, 1 replaced',
    );
    expect(stdout).toContain('3 taken over from an interrupted run, in 3 min 20 s; every byte was compared\n');
    const dry = async () => reports.unpackReport({ dryRun: true });
    const run = await runCli('import unpack --all --from a --into b --dry-run'.split(' '), { unpack: dry });
    expect(run.stdout).toContain('dry run, nothing was written: would restore 1 export into b');
  });

  test('catalog list is an aligned table with a sum', async () => {
    const { stdout } = await runCli(['catalog', 'list', '--archive', 'a'], {
      catalogList: async () => reports.catalogListing(),
    });
    const [heading = '', row = '', sum] = stdout.split('\n');
    expect(heading.indexOf('PARTITION')).toBe(row.indexOf('silver/vulns'));
    expect(row).toContain('2025-10-11 08:00:00Z');
    expect(sum).toBe('1 export: 120 files, 4.2 MiB, stored in 1.1 MiB');
    const none = async () => ({ archive: 'a', exports: [] });
    expect((await runCli(['catalog', 'list', '--archive', 'a'], { catalogList: none })).stdout).toMatch(/^no exports/);
  });

  test('catalog show has the facts of the manifest and its bundles', async () => {
    const { stdout } = await runCli(['catalog', 'show', '--all', '--archive', 'a'], {
      catalogShow: async () => [reports.exportHead()],
    });
    for (const fact of ['CC0-1.0', 'nightly', 'dt=2025-10-11', 'zstd 1.5.2 level 3', '1,200,000', 'sha256:abab']) {
      expect(stdout).toContain(fact);
    }
    expect(stdout).toContain(`${EXPORT_ID}-00001.tar.zst`);
  });

  test('catalog files prints size, time and path under the name of each export', async () => {
    async function* catalogFiles() {
      yield reports.catalogFile();
      yield reports.catalogFile({ path: 'empty', type: 'directory', bytes: 0, mtime: 1e15 });
      yield reports.catalogFile({ exportId: 'other' });
    }
    const { stdout } = await runCli(['catalog', 'files', '--all', '--archive', 'a'], { catalogFiles });
    expect(stdout.split('\n')).toEqual([
      `silver/vulns/dt=2025-10-11 ${EXPORT_ID}`,
      '   3.8 MiB  2025-10-11 08:00:00Z  silver/vulns/dt=2025-10-11/part-0.parquet',
      '            1000000000000000  empty/',
      'silver/vulns/dt=2025-10-11 other',
      '   3.8 MiB  2025-10-11 08:00:00Z  silver/vulns/dt=2025-10-11/part-0.parquet',
      '',
    ]);
  });

  test('lake list shows the state of each partition and what to do next', async () => {
    const listLake = async () => reports.lakeListing();
    const { stdout } = await runCli(['lake', 'list', 'lake'], { listLake });
    expect(stdout).toMatch(/dt=2025-10-11 +120 +4\.2 MiB +2025-10-11 07:59:59Z +2025-10-11 08:00:00Z +current\n/);
    expect(stdout).toContain('2 partitions: 120 files, 4.2 MiB; 1 current, 0 changed, 1 never exported\n');
    expect(stdout).toContain('next: lakepack export pack lake\n');
  });

  test('a suggested command can be pasted, whatever the folder is called', async () => {
    const listLake = async () => reports.lakeListing({ lake: "it's; rm -rf x", archive: 'a b\u001b' });
    const { stdout } = await runCli(['lake', 'list', 'lake'], { listLake });
    expect(stdout).toContain(String.raw`next: lakepack export pack 'it'\''s; rm -rf x' --to $'a b\u001b'`);
  });
});

describe('colours', () => {
  const listLake = async () => reports.lakeListing({ findings: [DAMAGE] });
  const look = async (flags: readonly string[], settings: Parameters<typeof runCli>[2]) =>
    (await runCli(['lake', 'list', 'lake', ...flags], { listLake }, settings)).stdout;

  test('are there on a terminal', async () => expect(await look([], { tty: true })).toMatch(COLOUR));

  test.each([
    ['a pipe', [], {}],
    ['NO_COLOR', [], { tty: true, env: { NO_COLOR: '1' } }],
    ['a dumb terminal', [], { tty: true, env: { TERM: 'dumb' } }],
    ['--no-color', ['--no-color'], { tty: true }],
  ])('are not there with %s', async (_, flags, settings) => expect(await look(flags, settings)).not.toMatch(COLOUR));

  test('an empty NO_COLOR means nothing, as no-color.org has it', async () =>
    expect(await look([], { tty: true, env: { NO_COLOR: '' } })).toMatch(COLOUR));
});

describe('hostile names', () => {
  const name = 'a\u001b]0;owned\u0007\n\u009b2J\u202e\u2066b';
  const hostile: Finding = { ...DAMAGE, message: name, where: { path: name, bundle: name }, found: name, repair: name };
  const [one] = reports.packReport().exports;
  const head = reports.exportHead();
  const library = {
    pack: async () =>
      reports.packReport({ lake: name, archive: name, exports: [{ ...one!, path: name }], findings: [hostile] }),
    verify: async () => reports.verifyReport([hostile], { archive: name }),
    unpack: async () =>
      reports.unpackReport({ into: name, exports: [{ ...reports.unpackReport().exports[0]!, name, path: name }] }),
    catalogList: async () => ({
      archive: name,
      exports: [{ ...reports.catalogListing().exports[0]!, exportId: name, path: name }],
    }),
    catalogShow: async () => [
      { ...head, source: { ...head.source, path: name, keys: { [name]: name } }, provenance: { note: name } },
    ],
    listLake: async () =>
      reports.lakeListing({ lake: name, partitions: [{ ...reports.lakeListing().partitions[1]!, path: name }] }),
    async *catalogFiles() {
      yield reports.catalogFile({ path: name, partition: name });
    },
  };

  test.each([
    'export pack a',
    'verify --archive a -v',
    'import unpack --all --from a --into b',
    'catalog list --archive a',
    'catalog show --all --archive a',
    'catalog files --all --archive a',
    'lake list a',
  ])('%s: no control or bidirectional character reaches stdout, in words or in JSON', async (line) => {
    for (const flags of [[], ['--json']]) {
      const { stdout } = await runCli([...line.split(' '), ...flags], library);
      expect(stdout).toContain('owned');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
    }
  });
});
