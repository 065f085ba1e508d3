/**
 * The folder of `make_messy_lake.py` through the command line, from pack to restore, under each value of --unsupported:
 * what becomes of each of the 68 oddities is what docs/decisions/0010-file-policy.md says.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogFiles, type Finding, type PackReport } from '../../src/index.js';
import { bundlesOf, hasStockTools, lakepack, scratchFolder, treeOf, type TreeItem } from './round-trip.js';

interface Oddity {
  readonly path?: string;
  readonly path_b64?: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'hardlink' | 'fifo' | 'socket';
  readonly note: string;
}
type Policy = 'default' | 'skip' | 'refuse';

const script = path.resolve(import.meta.dirname, '../../../shared/data/make_messy_lake.py');
const isPossible = fs.existsSync(script) && spawnSync('python3', ['--version']).status === 0;
const reason = isPossible ? '' : ' (skipped: needs python3 and ../shared/data/make_messy_lake.py)';
/** Only root reads a file of mode 0. */
const readsAll = process.getuid?.() === 0;
const NOT_PACKED = 'its export failed, nothing of it was committed';

/** What is to become of a thing. Exports here are by partition, so an error fails the folder it stands in. */
function wanted(oddity: Oddity, policy: Policy): string {
  const { kind, path: name = '', path_b64 } = oddity;
  const refused = policy === 'refuse' ? 'error' : 'warning';
  if (kind === 'symlink') return `left out: ${refused} SOURCE_SYMLINK`;
  if (kind === 'fifo' || kind === 'socket') return `left out: ${refused} SOURCE_SPECIAL_FILE`;
  if (path_b64 !== undefined) return `left out: ${policy === 'skip' ? 'warning' : 'error'} SOURCE_NAME_NOT_UTF8`;
  if (name.startsWith('names/') && policy !== 'skip') return NOT_PACKED;
  if (name.startsWith('links/') && policy === 'refuse') return NOT_PACKED;
  if (name.startsWith('modes/') && !readsAll) return NOT_PACKED;
  return 'packed';
}

describe.skipIf(!isPossible)(`a messy lake, end to end${reason}`, () => {
  let scratch = '';
  let lake = '';
  let oddities: readonly Oddity[] = [];
  let before: readonly TreeItem[] = [];

  beforeAll(() => {
    scratch = scratchFolder();
    lake = path.join(scratch, 'lake');
    execFileSync('python3', [script, lake]);
    oddities = JSON.parse(fs.readFileSync(`${lake}.expected.json`, 'utf8')) as Oddity[];
    before = treeOf(lake);
  });

  describe.each(['default', 'skip', 'refuse'] as const)('--unsupported %s', (policy) => {
    let archive = '';
    let report: PackReport;
    let code = 0;
    let packed = new Map<string, string>();

    beforeAll(async () => {
      archive = path.join(scratch, `archive-${policy}`);
      const words = ['export', 'pack', lake, '--to', archive, '--unsupported', policy, '--json'];
      const run = await lakepack(scratch, ...words);
      code = run.code;
      report = JSON.parse(run.stdout) as PackReport;
      packed = new Map();
      for await (const file of catalogFiles({ archive, select: { all: true } })) packed.set(file.path, file.exportId);
    });

    test('does with each of the 68 what the policy says', () => {
      expect(oddities).toHaveLength(68);
      const outcomes = oddities.map((one) => `${shownName(one)}: ${outcomeOf(one, report, packed)}`);
      expect(outcomes).toEqual(oddities.map((one) => `${shownName(one)}: ${wanted(one, policy)}`));
    });

    test('ends with the exit code that says so, and leaves the lake alone', () => {
      expect(code).toBe(policy === 'skip' && readsAll ? 0 : 3);
      expect(treeOf(lake)).toEqual(before);
    });

    test('is verified without a finding', async () => {
      const run = await lakepack(scratch, 'verify', '--archive', archive, '--json');
      expect(run.code, run.stdout).toBe(0);
    });

    test('is restored: bytes, names, times and modes of all that was packed, and nothing else', async () => {
      const into = path.join(scratch, `restored-${policy}`);
      const run = await lakepack(scratch, 'import', 'unpack', '--all', '--from', archive, '--into', into);
      expect(run.code, run.stderr).toBe(0);
      const there = before.filter((item) => packed.has(item.path));
      expect(treeOf(into)).toEqual(there);
      expect(there).toHaveLength(packed.size);
      for (const { path: lakePath } of there.filter((item) => item.kind === 'file')) {
        expect([0o644, 0o755]).toContain(fs.lstatSync(path.join(into, lakePath)).mode & 0o7777);
      }
    });
  });

  test.skipIf(!hasStockTools)('is restored by GNU tar and zstd alone to the same', async () => {
    const archive = path.join(scratch, 'archive-lake');
    const words = ['export', 'pack', lake, '--to', archive, '--by', 'lake', '--unsupported', 'skip'];
    const run = await lakepack(scratch, ...words);
    if (!readsAll) {
      expect(run.code).toBe(3);
      return;
    }
    expect(run.code, run.stderr).toBe(0);
    const [bundle = '', ...others] = bundlesOf(archive);
    expect(others).toEqual([]);
    const into = path.join(scratch, 'by-tar');
    fs.mkdirSync(into);
    const tar = spawnSync('tar', ['--zstd', '-xf', bundle, '-C', into], { encoding: 'utf8' });
    // It finds the times odd, as they are, and sets them.
    const complaints = tar.stderr.split('\n').filter((line) => line !== '' && !line.includes('time stamp'));
    expect({ status: tar.status, complaints }).toEqual({ status: 0, complaints: [] });
    const [bag = ''] = fs.readdirSync(into);
    const there = before.filter((item) => item.kind !== 'other');
    expect(treeOf(path.join(into, bag, 'data'))).toEqual(there);
    const sums = spawnSync('sha256sum', ['--quiet', '-c', 'lakepack/sha256sums.txt'], {
      cwd: path.join(into, bag),
      encoding: 'utf8',
    });
    expect({ status: sums.status, stdout: sums.stdout, stderr: sums.stderr }).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });
});

function outcomeOf(oddity: Oddity, report: PackReport, packed: ReadonlyMap<string, string>): string {
  const name = shownName(oddity);
  if (packed.has(oddity.path ?? '')) return 'packed';
  const findings = [...report.findings, ...report.exports.flatMap((one) => one.findings)];
  const about = (one: Finding): boolean => one.where.path === name && one.message.includes('left out');
  const found = findings.find(about);
  if (found !== undefined) return `left out: ${found.severity} ${found.code}`;
  const failed = report.exports.filter((one) => one.status === 'failed').map((one) => one.path.replace(/_files$/, ''));
  return failed.some((folder) => name.startsWith(folder)) ? NOT_PACKED : 'not there, and nothing said';
}

/** As a finding names it: bytes that are not UTF-8 as \xNN. */
function shownName({ path: name, path_b64: base64 }: Oddity): string {
  if (name !== undefined || base64 === undefined) return name ?? '';
  const text = Buffer.from(base64, 'base64').toString('latin1');
  return text.replace(/[\x80-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}
