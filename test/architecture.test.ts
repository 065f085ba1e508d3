/**
 * Judges the tree of DESIGN section 7, and before that the judges: each rule must find what is wrong in a small
 * tree that breaks it, and nothing in one that does not.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as rules from './support/architecture-rules.js';
import { parseTree, readTexts, type FileTexts } from './support/source-tree.js';

const project = path.resolve(import.meta.dirname, '..');
const packageJson = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};

/** Every rule that looks at the tree alone, by the sentence it enforces. */
const JUDGES: Readonly<Record<string, rules.Judge>> = {
  'every file stands in a folder of the design': rules.judgeKnownPlaces,
  'imports go to the right only, type imports too': rules.judgeLayers,
  'every import leads to a file': rules.judgeMissingTargets,
  'every library has one door': rules.judgeDoors,
  'process and console are used in bin.ts and cli/ only': rules.judgeProcessDoor,
  'no file is dead': rules.judgeDeadFiles,
  'no imports form a cycle': rules.judgeCycles,
  'no file is longer than 400 lines': rules.judgeFileSize,
  'no file or folder is named utils, helpers, common or misc': rules.judgeNames,
  'there are no default exports, and index.ts names what it exports': rules.judgeExports,
  'every file opens with what it answers for': rules.judgeOpeningComments,
};

describe('the tree', () => {
  const tree = parseTree(readTexts(project, 'src', ['.ts']));
  const testFiles = Object.keys(readTexts(project, 'test', ['.ts']));

  test('is there', () => expect(tree.size).toBeGreaterThan(10));

  test.each(Object.entries(JUDGES))('%s', (_, judge) => expect(judge(tree)).toEqual([]));

  test('every dependency is used, and through its door', () => {
    const declared = { ...packageJson.dependencies, ...packageJson.peerDependencies };
    expect(rules.judgeDependencies(tree, Object.keys(declared))).toEqual([]);
  });

  test('every folder has its tests', () => expect(rules.judgeMirror(tree, testFiles)).toEqual([]));
});

/** A comment of the length a file must open with. */
const INTRO = '/** Answers for one thing and says so. */\n';

const CLEAN: FileTexts = {
  'src/bin.ts': `#!/usr/bin/env node\n${INTRO}import { main } from './cli/main.js';\nvoid main(process.argv);\n`,
  'src/cli/main.ts': `${INTRO}import yargs from 'yargs';\nimport { pack } from '../index.js';\nexport const main = (argv: string[]) => pack(yargs(argv));\n`,
  'src/index.ts': `${INTRO}export { pack } from './operations/pack.js';\n`,
  'src/operations/pack.ts': `${INTRO}import type { Bag } from '../bundle/bag.js';\nimport { join } from 'node:path';\nexport const pack = (x: unknown) => [x, join] as unknown as Bag;\n`,
  'src/bundle/bag.ts': `${INTRO}import { fail } from '../base/errors.js';\nexport interface Bag { readonly process: string }\nexport const go = (bag: Bag) => fail(bag.process, { console: 1 });\n`,
  'src/base/errors.ts': `${INTRO}// import { x } from '../cli/main.js';\nexport const fail = (...args: unknown[]) => "import 'yargs'" + args.length;\n`,
};

/** Trees that break one rule each: what is changed in the clean tree, and words of the breach that must be found. */
const BROKEN: readonly [rule: string, what: string, change: FileTexts, found: RegExp][] = [
  ['every file stands', 'an unknown folder', { 'src/shiny/new.ts': INTRO }, /shiny/],
  ['every file stands', 'a stray file beside index.ts', { 'src/stray.ts': INTRO }, /stray/],
  [
    'imports go',
    'an import to the left',
    withCode('base', `import { pack } from '../index.js';`),
    /base must not import index/,
  ],
  [
    'imports go',
    'a type import to the left',
    withCode('base', `import type { Bag } from '../bundle/bag.js';`),
    /bundle/,
  ],
  ['imports go', 'an inline type import', withCode('base', `type B = import('../bundle/bag.js').Bag;`), /bundle/],
  ['imports go', 'a re-export', withCode('base', `export type { Bag } from '../bundle/bag.js';`), /bundle/],
  ['imports go', 'a dynamic import', withCode('base', `const x = import('../bundle/bag.js');`), /bundle/],
  ['imports go', 'a worker file', withCode('base', `new URL('../bundle/bag.js', import.meta.url);`), /bundle/],
  ['imports go', 'index.ts using the command line', withCode('index', `import '../src/cli/main.js';`), /cli/],
  ['imports go', 'neighbours', withNeighbours('codec', 'lake'), /neighbours/],
  ['imports go', 'a bundle that knows remotes', withNeighbours('bundle', 'remote'), /wherever it is kept/],
  ['imports go', 'stores outside of drills', withNeighbours('operations', 'stores'), /drills only/],
  ['every import leads', 'a file that is not there', withCode('base', `import './gone.js';`), /gone/],
  [
    'every library',
    'yargs in an operation',
    withCode('operations', `import yargs from 'yargs';`),
    /not the door of yargs/,
  ],
  [
    'every library',
    'a deep import',
    withCode('bundle', `import 'tar-stream/extract.js';`),
    /not the door of tar-stream/,
  ],
  ['every library', 'a scoped package', withCode('bundle', `import '@aws-sdk/client-s3';`), /not the door of @aws-sdk/],
  ['every library', 'zstd beside its door', withNew('src/codec/frames.ts', `import '@mongodb-js/zstd';`), /zstd/],
  ['every library', 'a package unheard of', withCode('base', `import type { X } from 'left-pad';`), /no door/],
  ['every library', 'Node without its prefix', withCode('base', `import 'fs';`), /no door/],
  ['process and', 'the environment', withCode('bundle', `export const home = process.env.HOME;`), /uses process/],
  ['process and', 'a log line', withCode('bundle', `console.log('x');`), /uses console/],
  ['process and', 'by way of globalThis', withCode('bundle', `globalThis.console.log('x');`), /uses console/],
  ['process and', 'by way of an import', withCode('bundle', `import { env } from 'node:process';`), /node:process/],
  ['process and', 'in a shorthand', withCode('bundle', `export const io = { process };`), /uses process/],
  ['no file is dead', 'a file nobody imports', { 'src/base/lonely.ts': INTRO }, /lonely/],
  ['no file is dead', 'two that import each other', withNeighbours('schema', 'base'), /schema\/one/],
  ['no imports form', 'two files', withCode('base', `import './two.js';`, `import './errors.js';`), /two\.ts → src/],
  [
    'no imports form',
    'a file and itself',
    withCode('base', `import './errors.js';`),
    /errors\.ts → src\/base\/errors\.ts/,
  ],
  ['no file is longer', '401 lines', { 'src/base/long.ts': INTRO + 'x;\n'.repeat(400) }, /401 lines/],
  ['no file or folder', 'a file', { 'src/base/utils.ts': INTRO }, /utils/],
  ['no file or folder', 'a folder', { 'src/base/common/x.ts': INTRO }, /common/],
  ['there are no default', 'a default function', withCode('base', `export default function f() {}`), /default/],
  ['there are no default', 'a default expression', withCode('base', `export default 1;`), /default/],
  [
    'there are no default',
    'a default by renaming',
    withCode('base', `const x = 1;\nexport { x as default };`),
    /default/,
  ],
  ['there are no default', 'a star in index.ts', withCode('index', `export * from './base/errors.js';`), /exports \*/],
  ['every file opens', 'no comment', { 'src/base/mute.ts': 'export const x = 1;\n' }, /mute/],
  ['every file opens', 'a comment further down', { 'src/base/mute.ts': `export const x = 1;\n${INTRO}` }, /mute/],
  ['every file opens', 'a directive', { 'src/base/mute.ts': '/* eslint-disable no-console, max-lines */\n' }, /mute/],
  ['every file opens', 'an empty comment', { 'src/base/mute.ts': '/** */\nexport const x = 1;\n' }, /mute/],
];

describe('the judges', () => {
  test.each(Object.entries(JUDGES))('find nothing in a clean tree: %s', (_, judge) =>
    expect(judge(parseTree(CLEAN))).toEqual([]),
  );

  test.each(BROKEN)('%s …: find %s', (rule, _, change, found) => {
    const breaches = judgeOf(rule)(parseTree({ ...CLEAN, ...change }));
    expect(breaches.join('\n')).toMatch(found);
  });

  test('each has a tree that it must find wrong', () => {
    const tried = Object.keys(JUDGES).filter((name) => BROKEN.some(([rule]) => name.startsWith(rule)));
    expect(tried).toEqual(Object.keys(JUDGES));
  });

  test('find a dependency that is unused, undeclared, or without a door', () => {
    const tree = parseTree(CLEAN);
    expect(rules.judgeDependencies(tree, ['yargs'])).toEqual([]);
    expect(rules.judgeDependencies(tree, ['yargs', 'tar-stream']).join()).toMatch(
      /tar-stream: a dependency nobody imports/,
    );
    expect(rules.judgeDependencies(tree, ['yargs', 'left-pad']).join()).toMatch(
      /left-pad: a dependency without a door/,
    );
    expect(rules.judgeDependencies(tree, []).join()).toMatch(/yargs: imported in src\/, but not among/);
  });

  test('find a folder without tests', () => {
    const tree = parseTree({ 'src/lake/inspect/csv.ts': INTRO, 'src/cli/commands/export/pack.ts': INTRO });
    expect(rules.judgeMirror(tree, ['test/lake/inspect/csv.test.ts', 'test/cli/main.test.ts'])).toEqual([]);
    expect(rules.judgeMirror(tree, ['test/lake/inspect.test.ts', 'test/cli/pack.test.ts'])).toEqual([]);
    expect(rules.judgeMirror(tree, ['test/lake/scan.test.ts', 'test/lake/inspect/data.ts'])).toHaveLength(2);
  });
});

function judgeOf(rule: string): rules.Judge {
  const [found, ...others] = Object.entries(JUDGES).filter(([name]) => name.startsWith(rule));
  if (found === undefined || others.length > 0) throw new Error(`"${rule}" is not the beginning of one rule's name`);
  return found[1];
}

/** The clean tree's file of a layer with more code in it, and a `two.ts` beside it when that has code too. */
function withCode(layer: string, code: string, neighbourCode?: string): FileTexts {
  const file = Object.keys(CLEAN).find((one) => one.startsWith(`src/${layer}`));
  if (file === undefined) throw new Error(`the clean tree has no ${layer}`);
  const neighbour = neighbourCode === undefined ? {} : withNew(`${path.posix.dirname(file)}/two.ts`, neighbourCode);
  return { [file]: `${CLEAN[file] ?? ''}${code}\n`, ...neighbour };
}

function withNew(file: string, code: string): FileTexts {
  return { [file]: `${INTRO}${code}\n` };
}

/** A file in one folder that imports one in another. */
function withNeighbours(from: string, to: string): FileTexts {
  return {
    ...withNew(`src/${from}/one.ts`, `import '../${to}/other.js';`),
    ...withNew(`src/${to}/other.ts`, 'export {};'),
  };
}
