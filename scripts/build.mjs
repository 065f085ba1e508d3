/**
 * `npm run build`: TypeScript to dist/, and nothing else in dist/. Old output is removed after the compiler is
 * done, not before, so that a lakepack which runs from dist/ meanwhile never finds it empty.
 */
import { chmodSync, existsSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { run } from './child.mjs';
import { projectFolder } from './prepare.mjs';

const source = path.join(projectFolder, 'src');
const output = path.join(projectFolder, 'dist');

const compiler = path.join(projectFolder, 'node_modules/typescript/bin/tsc');
const compilerArgs = [compiler, '-p', 'tsconfig.build.json', '--noEmitOnError', ...process.argv.slice(2)];
const { status } = await run(process.execPath, compilerArgs, { cwd: projectFolder });
if (status === 0) finish();
process.exitCode = status;

function finish() {
  for (const name of readdirSync(output, { recursive: true }).filter(isOrphan)) {
    rmSync(path.join(output, name), { recursive: true, force: true });
  }
  const bin = path.join(output, 'bin.js');
  if (!existsSync(bin)) return;
  chmodSync(bin, 0o755);
  // Its time is the time of the build: scripts/prepare.mjs compares the sources with it.
  utimesSync(bin, new Date(), new Date());
}

/** True for output whose source is gone. */
function isOrphan(name) {
  const stem = name.replace(/(\.d\.ts|\.js)(\.map)?$/, '');
  return !existsSync(path.join(source, stem === name ? name : `${stem}.ts`));
}
