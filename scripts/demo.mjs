/**
 * `npm run demo`: the main job on a real small lake, explained on the screen. Installs and builds what is needed,
 * runs the steps of demo-steps.mjs one after the other in .demo/ (wiped first), and sums up. Stops at the first
 * command that does not end as the step says it must, with exit code 1.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { run } from './child.mjs';
import { Screen } from './demo-screen.mjs';
import { DEMO_FOLDER, steps } from './demo-steps.mjs';
import { PreparationError, assertNodeVersion, ensureBuilt, ensureInstalled, projectFolder } from './prepare.mjs';

// A reader who has seen enough (`npm run demo | head`) is no error.
process.stdout.on('error', ({ code }) => process.exit(code === 'EPIPE' ? 0 : 1));

const screen = new Screen(process.stdout);

try {
  await main();
} catch (error) {
  if (!(error instanceof PreparationError)) throw error;
  screen.failure(error.message);
  process.exitCode = 1;
}

async function main() {
  screen.banner('lakepack: pack a lake, restore it, rebuild its database, and prove all of it');
  screen.text(
    'A data lake is a folder of files: JSON, CSV, Parquet, arrays, models. lakepack packs it into .tar.zst bundles that stock ' +
      'tar, zstd and sha256sum can restore, keeps them in any folder or S3-compatible store, and rehearses the bad day: it ' +
      'restores them, rebuilds the databases that were made from the files, and compares them row by row. You will see all of ' +
      'that on a small lake, in less than a minute. Nothing outside of this folder is touched, and no network is used but to install.',
  );
  assertNodeVersion();
  const say = (what, text) => screen.note(`${what}: ${text}`);
  await ensureInstalled(say);
  await ensureBuilt(say);
  rmSync(path.join(projectFolder, DEMO_FOLDER), { recursive: true, force: true });
  mkdirSync(path.join(projectFolder, DEMO_FOLDER));
  screen.text(
    `All that follows happens in ${DEMO_FOLDER}/, which you can look into afterwards. Lines that begin with $ are the ` +
      'commands, the lines below them what they really print; `lakepack` stands for `node dist/bin.js`.',
  );
  summarize(await runSteps());
}

async function runSteps() {
  const results = [];
  for (const [index, step] of steps.entries()) {
    screen.heading(`${index + 1} of ${steps.length}  ${step.title}`);
    screen.text(step.why);
    const startedAt = Date.now();
    const outcome = await step.run(tools());
    results.push({ title: step.title, seconds: (Date.now() - startedAt) / 1000, outcome });
  }
  return results;
}

/** What a step can do: show and run a command, say something, fail. */
function tools() {
  return {
    say: (text) => screen.text(text),
    list: (rows) => rows.forEach((row) => screen.item(row)),
    fail,
    lakepack: (args, options) => command(['lakepack', ...args], [process.execPath, 'dist/bin.js', ...args], options),
    tsx: (args, options) =>
      command(['npx', 'tsx', ...args], [process.execPath, 'node_modules/tsx/dist/cli.mjs', ...args], options),
    program: (args, options) => command(args, args, options),
  };
}

/** Shows and runs one command. `expectStatus` is what it must end with; `shown` replaces what is shown of it. */
async function command(
  words,
  [program, ...args],
  { expectStatus = 0, env = demoEnvironment(), shown, mostLines } = {},
) {
  screen.command(shown ?? words.map(quote).join(' '), mostLines);
  const lines = [];
  const onLine = (line) => {
    lines.push(line);
    screen.output(line);
  };
  const { status, seconds } = await run(program, args, { cwd: projectFolder, env, onLine });
  screen.endOfOutput(status, seconds);
  if (status !== expectStatus)
    fail(`${words.slice(0, 3).join(' ')}: expected exit code ${expectStatus}, got ${status}`);
  return { status, seconds, lines };
}

/** The journals that lakepack keeps of unfinished work belong into the demo's folder too, not into the user's home. */
function demoEnvironment() {
  return { ...process.env, LAKEPACK_STATE_DIR: path.join(projectFolder, DEMO_FOLDER, 'state') };
}

function summarize(results) {
  screen.heading('What happened');
  for (const { title, seconds, outcome } of results) {
    screen.row(`${seconds.toFixed(1).padStart(6)} s`, `${title}: ${outcome}`);
  }
  screen.text(
    'The lake was packed into bundles that need no lakepack to be read, every byte was compared with its SHA-256 on ' +
      'the way back, a single wrong bit was found, and the database made from the lake was rebuilt and compared row by row. ' +
      'README.md has the tour, docs/format.md the format, docs/drills.md the drills.',
  );
}

function fail(message) {
  throw new PreparationError(message);
}

function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
