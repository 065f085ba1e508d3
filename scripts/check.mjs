/**
 * `npm run check`: eslint, prettier and types. Each is one thread for its whole time, so two run side by side: eslint,
 * which takes as long as the other two, and these one after the other. What they found is printed once they ended.
 */
import path from 'node:path';
import process from 'node:process';
import { capture } from './child.mjs';
import { projectFolder } from './prepare.mjs';

const [lint, types, format] = ['eslint/bin/eslint.js', 'typescript/bin/tsc', 'prettier/bin/prettier.cjs'].map(
  (program) =>
    (...args) =>
      capture(process.execPath, [path.join(projectFolder, 'node_modules', program), ...args], { cwd: projectFolder }),
);

const results = await Promise.all([
  lint('.').then((result) => [result]),
  types('-p', 'tsconfig.json', '--noEmit').then(async (result) => [result, await format('--check', '.')]),
]);

for (const { status, lines } of results.flat()) {
  if (status === 0) continue;
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = 1;
}
