/**
 * `npm test`: everything that must hold before a commit, on any machine with Node and npm: packages, build, lint
 * and types, tests. Arguments go to vitest (`npm test -- test/codec`).
 *
 * LAKEPACK_NO_APT=1 keeps it from installing Debian packages, LAKEPACK_NO_INSTALL=1 from installing anything.
 * The last line is always `N passed, N failed, N skipped`; a build or check that failed counts as one failure.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { capture, npmCommand, run } from './child.mjs';
import { ensurePrograms } from './debian.mjs';
import { PreparationError, assertNodeVersion, build, count, ensureInstalled, projectFolder } from './prepare.mjs';

const BUDGET_SECONDS = 300;
const MOST_SKIPS_SHOWN = 20;
const startedAt = Date.now();

const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  assertNodeVersion();
  await ensureInstalled(say);
  await ensurePrograms(say);
  await buildAndCheck();
  await test();
} catch (error) {
  if (!(error instanceof PreparationError)) throw error;
  say('FAILED', error.message);
  totals.failed += 1;
}
report();

/** Side by side: neither reads what the other writes, and both together take hardly longer than the checks alone. */
async function buildAndCheck() {
  const [built, checked] = await Promise.allSettled([build(say), check()]);
  for (const { status, reason } of [built, checked]) if (status === 'rejected') throw reason;
}

async function check() {
  say('check', 'eslint, prettier, types …');
  const [command, args] = npmCommand('run', '--silent', 'check');
  const { status, seconds, lines } = await capture(command, args, { cwd: projectFolder });
  if (status === 0) return say('check', `clean in ${seconds.toFixed(0)} s`);
  process.stdout.write(`${lines.join('\n')}\n`);
  say('FAILED', '`npm run check` found the above; the tests go on');
  totals.failed += 1;
}

async function test() {
  const folder = mkdtempSync(path.join(tmpdir(), 'lakepack-test-'));
  try {
    const resultFile = path.join(folder, 'result.json');
    const vitest = path.join(projectFolder, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];
    const args = [vitest, 'run', ...reporters, ...process.argv.slice(2)];
    const watch = watchOutput();
    const options = { cwd: projectFolder, env: watch.env, onLine: watch.onLine };
    const { status } = await run(process.execPath, args, options);
    watch.conclude();
    addResult(existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined, status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Shows what vitest prints, and fails the run when one of the secrets that the tests made is in it. */
function watchOutput() {
  const run = randomUUID().slice(0, 8);
  const isColoured = process.stdout.isTTY && process.env.NO_COLOR === undefined;
  let leaks = 0;
  return {
    env: { ...process.env, LAKEPACK_TEST_RUN: run, ...(isColoured ? { FORCE_COLOR: '1' } : {}) },
    onLine(line) {
      // What a secret of this run begins with: test/servers/keys.ts.
      if (line.includes(`lpsecret${run}`)) leaks += 1;
      process.stdout.write(`${line}\n`);
    },
    conclude() {
      if (leaks === 0) return;
      say('FAILED', `a secret stands in ${count(leaks, 'line')} of the above`);
      totals.failed += 1;
    },
  };
}

function addResult(result, status) {
  const tests = result?.testResults.flatMap((file) =>
    file.assertionResults.map((one) => ({ ...one, file: file.name })),
  );
  // A file that could not be loaded has no tests of its own to count.
  const brokenFiles = result?.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = (result?.numFailedTests ?? 0) + (brokenFiles?.length ?? 0);
  totals.passed += result?.numPassedTests ?? 0;
  totals.skipped += (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
  // An error outside of any test fails vitest without failing a test.
  totals.failed += status !== 0 && failed === 0 ? 1 : failed;
  if (tests !== undefined) saySkipped(tests.filter((one) => ['pending', 'skipped', 'todo'].includes(one.status)));
}

function saySkipped(tests) {
  if (tests.length === 0) return;
  say('skipped', `${count(tests.length, 'test')}:`);
  for (const one of tests.slice(0, MOST_SKIPS_SHOWN)) {
    say('', `${path.relative(projectFolder, one.file)}: ${one.fullName}`);
  }
  if (tests.length > MOST_SKIPS_SHOWN) say('', `… and ${tests.length - MOST_SKIPS_SHOWN} more`);
}

function report() {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const late = seconds > BUDGET_SECONDS ? `: over the budget of ${BUDGET_SECONDS} s` : ` of ${BUDGET_SECONDS} s`;
  say('duration', `${seconds} s${late}`);
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

function say(what, text) {
  process.stdout.write(`${what.padEnd(9)} ${text}\n`);
}
