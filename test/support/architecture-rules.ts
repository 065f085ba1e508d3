/**
 * The law of the tree (DESIGN, section 7) as data, each line with its reason, and the functions that find what
 * breaks it. Do not widen a rule to get a change in; move the code.
 */
import path from 'node:path';
import type { ImportFact, SourceFacts, SourceTree } from './source-tree.js';

/** What a rule says about a tree: one sentence for each breach, none when the rule holds. */
export type Judge = (tree: SourceTree) => readonly string[];

/** Imports go to the right only; the names in one list never import each other. */
export const LAYERS = [
  ['bin.ts'],
  ['cli'],
  ['index.ts'],
  ['drill'],
  ['operations'],
  ['archive'],
  ['bundle'],
  ['remote', 'lake', 'codec', 'encryption', 'stores', 'config'],
  ['schema'],
  ['base'],
] as const;

/** To the right, and forbidden all the same. */
export const CLOSED_WAYS = [
  { from: 'bundle', to: 'remote', reason: 'a bundle is a stream of bytes wherever it is kept (STYLE, The tree)' },
  { from: 'operations', to: 'stores', reason: 'derived stores are rebuilt and read by drills only (DESIGN 7)' },
  { from: 'archive', to: 'stores', reason: 'derived stores are rebuilt and read by drills only (DESIGN 7)' },
  { from: 'bundle', to: 'stores', reason: 'derived stores are rebuilt and read by drills only (DESIGN 7)' },
  { from: 'cli', to: 'stores', reason: 'derived stores are rebuilt and read by drills only (DESIGN 7)' },
] as const;

interface Door {
  readonly library: RegExp;
  readonly files: RegExp;
  readonly reason: string;
}

/** One door for each outside library. A package that no door lets in may not be imported. */
export const DOORS: readonly Door[] = [
  { library: /^yargs$/, files: /^src\/cli\//, reason: 'nothing below the command line knows argv' },
  { library: /^(cli-progress|picocolors)$/, files: /^src\/cli\//, reason: 'words and colours are made in cli/ only' },
  {
    library: /^(@aws-sdk\/.*|undici)$/,
    files: /^src\/remote\/s3[^/]*\.ts$/,
    reason: 'one scheme, one client, one place for its quirks',
  },
  {
    library: /^@mongodb-js\/zstd$/,
    files: /^src\/codec\/zstd\.ts$/,
    reason: 'the decoder is unbounded; its guard stands here',
  },
  {
    library: /^tar-stream$/,
    files: /^src\/codec\/tar[^/]*\.ts$/,
    reason: 'its reader needs our checks before and after it',
  },
  { library: /^ajv(-formats)?$/, files: /^src\/schema\/validator\.ts$/, reason: 'one dialect and one set of formats' },
  {
    library: /^@duckdb\/node-api$/,
    files: /^src\/stores\/duckdb[^/]*\.ts$/,
    reason: 'one engine reads lake files as tables, shut in to the folders it is given',
  },
  {
    library: /^pg(-copy-streams)?$/,
    files: /^src\/stores\/postgres[^/]*\.ts$/,
    reason: 'one file an engine (DESIGN 7)',
  },
  {
    library: /^(@lancedb\/lancedb|apache-arrow)$/,
    files: /^src\/stores\/lancedb[^/]*\.ts$/,
    reason: 'one file an engine (DESIGN 7)',
  },
  { library: /^@azure\/cosmos$/, files: /^src\/stores\/cosmos[^/]*\.ts$/, reason: 'one file an engine (DESIGN 7)' },
  {
    library: /^(hyparquet|parquetjs-lite)$/,
    files: /^src\/(lake\/inspect|stores)\//,
    reason: 'what a file contains is asked in one place',
  },
  {
    library: /^picomatch$/,
    files: /^src\/base\/glob\.ts$/,
    reason: 'what a glob means to a user is said once',
  },
  {
    library: /^p-map$/,
    files: /^src\/(drill|operations|archive|bundle|lake|remote|stores)\//,
    reason: 'bounded concurrency (STYLE 19) belongs to work, not to words, formats or codecs',
  },
];

/** Names in scope that only the outermost files may use. */
export const PROCESS_DOOR = {
  names: ['process', 'console'],
  modules: ['process', 'console', 'node:process', 'node:console'],
  files: /^src\/(bin\.ts|cli\/.*)$/,
  reason: 'below cli/ nothing knows the environment or the terminal, so that a program can use it as a library',
} as const;

export const MAX_FILE_LINES = 400;
export const HOMELESS_NAMES = ['util', 'utils', 'helper', 'helpers', 'common', 'misc'] as const;
export const ENTRY_FILES = ['src/bin.ts', 'src/index.ts'] as const;
/** What worker threads run: a URL leads there, no import. */
export const THREAD_FILES = ['src/bundle/frame-thread.ts'] as const;
const MIN_COMMENT_LETTERS = 20;

export const judgeKnownPlaces: Judge = (tree) =>
  files(tree)
    .filter((file) => rankOf(file.path) === undefined)
    .map((file) => `${file.path}: "${layerOf(file.path)}" is not in the tree of DESIGN section 7`);

export const judgeLayers: Judge = (tree) =>
  eachImport(tree).flatMap(({ file, fact }) => {
    const [from, to] = [layerOf(file.path), layerOf(fact.target ?? file.path)];
    const [fromRank, toRank] = [rankOf(file.path), rankOf(fact.target ?? file.path)];
    if (from === to || fromRank === undefined || toRank === undefined) return [];
    const closed = CLOSED_WAYS.find((way) => way.from === from && way.to === to);
    if (closed !== undefined) return [`${at(file, fact)}: ${from} must not import ${to}: ${closed.reason}`];
    if (toRank > fromRank) return [];
    const why =
      toRank === fromRank ? 'they are neighbours and never import each other' : `${to} stands left of ${from}`;
    return [`${at(file, fact)}: ${from} must not import ${to}: ${why}`];
  });

export const judgeMissingTargets: Judge = (tree) =>
  eachImport(tree)
    .filter(({ fact }) => fact.specifier.startsWith('.') && fact.specifier.endsWith('.js') && fact.target === undefined)
    .map(({ file, fact }) => `${at(file, fact)}: there is no such file in src/`);

export const judgeDoors: Judge = (tree) =>
  eachImport(tree).flatMap(({ file, fact }) => {
    const library = packageOf(fact.specifier);
    if (library === undefined) return [];
    const door = DOORS.find((one) => one.library.test(library));
    if (door === undefined) return [`${at(file, fact)}: ${library} has no door in test/support/architecture-rules.ts`];
    return door.files.test(file.path) ? [] : [`${at(file, fact)}: not the door of ${library}: ${door.reason}`];
  });

export const judgeProcessDoor: Judge = (tree) => {
  const inside = files(tree).filter((file) => !PROCESS_DOOR.files.test(file.path));
  return inside.flatMap((file) => [
    ...file.names
      .filter(({ name }) => (PROCESS_DOOR.names as readonly string[]).includes(name))
      .map(({ name, line }) => `${file.path}:${line} uses ${name}: ${PROCESS_DOOR.reason}`),
    ...file.imports
      .filter(({ specifier }) => (PROCESS_DOOR.modules as readonly string[]).includes(specifier))
      .map((fact) => `${at(file, fact)}: ${PROCESS_DOOR.reason}`),
  ]);
};

/** Every dependency of package.json has a door and goes through it. `dependencies` are names. */
export function judgeDependencies(tree: SourceTree, dependencies: readonly string[]): readonly string[] {
  const used = new Set(eachImport(tree).map(({ fact }) => packageOf(fact.specifier)));
  const unused = dependencies.filter((name) => !used.has(name)).map((name) => `${name}: a dependency nobody imports`);
  const doorless = dependencies
    .filter((name) => !DOORS.some(({ library }) => library.test(name)))
    .map((name) => `${name}: a dependency without a door`);
  const undeclared = [...used]
    .filter((name) => name !== undefined && !dependencies.includes(name))
    .map((name) => `${name ?? ''}: imported in src/, but not among the dependencies of package.json`);
  return [...unused, ...doorless, ...undeclared];
}

export const judgeDeadFiles: Judge = (tree) => {
  const alive = new Set<string>();
  const visit = (file: string): void => {
    if (alive.has(file)) return;
    alive.add(file);
    for (const target of targetsOf(tree.get(file))) visit(target);
  };
  [...ENTRY_FILES, ...THREAD_FILES].filter((file) => tree.has(file)).forEach(visit);
  const dead = files(tree).filter((file) => !alive.has(file.path));
  return [
    ...ENTRY_FILES.filter((file) => !tree.has(file)).map((file) => `${file}: is missing`),
    ...dead.map((file) => `${file.path}: neither bin.ts nor index.ts leads to it`),
  ];
};

/** Cycles, each once, as `a → b → a`. Type imports count: what cannot be read one by one is one file. */
export const judgeCycles: Judge = (tree) => {
  const cycles = new Map<string, string>();
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      const members = trail.slice(start);
      cycles.set([...members].sort().join(), [...members, file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const target of targetsOf(tree.get(file))) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of tree.keys()) visit(file, []);
  return [...cycles.values()];
};

export const judgeFileSize: Judge = (tree) =>
  files(tree)
    .filter((file) => file.lines > MAX_FILE_LINES)
    .map((file) => `${file.path}: ${file.lines} lines: expected at most ${MAX_FILE_LINES} (STYLE 4)`);

export const judgeNames: Judge = (tree) =>
  files(tree)
    .filter((file) => file.path.split('/').some((part) => isHomeless(part.replace(/(\.d)?\.ts$/, ''))))
    .map((file) => `${file.path}: a helper without a home has no owner yet: find it (STYLE, Docs and habits)`);

export const judgeExports: Judge = (tree) =>
  files(tree).flatMap((file) => [
    ...file.defaultExportLines.map((line) => `${file.path}:${line} exports a default: named exports only`),
    ...(file.path === 'src/index.ts' ? file.starExportLines : []).map(
      (line) => `${file.path}:${line} exports *: the public API names what it promises`,
    ),
  ]);

export const judgeOpeningComments: Judge = (tree) =>
  files(tree)
    .filter(({ openingComment: text }) => text.length < MIN_COMMENT_LETTERS || /^(eslint|@ts-|prettier)/.test(text))
    .map((file) => `${file.path}: does not open with what it answers for`);

/**
 * `test/` mirrors `src/`: the tests of src/a/b/ are in test/a/b/ or in test/a/b.test.ts. A folder of commands is
 * tested through the command line, in test/cli/: a command translates and prints, nothing more (STYLE 2).
 */
export function judgeMirror(tree: SourceTree, testFiles: readonly string[]): readonly string[] {
  const folders = new Set(
    [...tree.keys()].map((file) => path.posix.dirname(file)).filter((folder) => folder !== 'src'),
  );
  return [...folders]
    .map((folder) => ({ folder, counterpart: counterpartOf(folder) }))
    .filter(({ counterpart }) => !testFiles.some((file) => isTestOf(counterpart, file)))
    .map(({ folder, counterpart }) => `${folder}/: has no test in ${counterpart}/`);
}

function counterpartOf(folder: string): string {
  return folder.replace(/^src\//, 'test/').replace(/^test\/cli\/.*$/, 'test/cli');
}

function isTestOf(counterpart: string, file: string): boolean {
  return file.endsWith('.test.ts') && (file.startsWith(`${counterpart}/`) || file === `${counterpart}.test.ts`);
}

function files(tree: SourceTree): readonly SourceFacts[] {
  return [...tree.values()];
}

function eachImport(tree: SourceTree): readonly { file: SourceFacts; fact: ImportFact }[] {
  return files(tree).flatMap((file) => file.imports.map((fact) => ({ file, fact })));
}

function targetsOf(file: SourceFacts | undefined): readonly string[] {
  return (file?.imports ?? []).flatMap(({ target }) => (target === undefined ? [] : [target]));
}

function at(file: SourceFacts, { line, specifier }: ImportFact): string {
  return `${file.path}:${line} imports ${specifier}`;
}

/** `src/lake/scan.ts` is in `lake`, `src/bin.ts` is `bin.ts`. */
function layerOf(file: string): string {
  return file.split('/')[1] ?? file;
}

function rankOf(file: string): number | undefined {
  const rank = LAYERS.findIndex((layer) => (layer as readonly string[]).includes(layerOf(file)));
  return rank < 0 ? undefined : rank;
}

/** The package behind a specifier: `ajv/dist/2020.js` → `ajv`. Undefined for files and for Node's own modules. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isHomeless(name: string): boolean {
  return (HOMELESS_NAMES as readonly string[]).includes(name);
}
