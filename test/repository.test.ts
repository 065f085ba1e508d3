/**
 * The repository tests itself: that what is published is whole and holds nothing else, that the documented tables
 * are those of the code, and that no file tells which machine it was written on. `architecture.test.ts` judges src/.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../src/base/errors.js';
import { FINDING_CODES } from '../src/base/findings.js';
import { EXIT_CODES, exitCodeOf } from '../src/cli/exit-code.js';
import { codesOf, fileLinksOf, headingsOf, tablesOf, type Table } from './support/markdown.js';
import { linesMatching, projectFiles } from './support/project-files.js';
import { publishInto, runNpm, type PublishedPackage } from './support/published-package.js';

const project = path.resolve(import.meta.dirname, '..');

interface Package {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly type: string;
  readonly license: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly engines: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly main: string;
  readonly types: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const packageJson = JSON.parse(read('package.json')) as Package;
const files = projectFiles(project);

/** What a program can count on (issue 2). */
const PROMISED_NAMES = ['pack', 'verify', 'unpack', 'openArchive'];

describe('package.json', () => {
  test('has what a registry and a reader need', () => {
    expect(packageJson.name).toBe('lakepack');
    expect(packageJson.version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(packageJson.private).toBeUndefined();
    expect(packageJson.description.length).toBeGreaterThan(30);
    expect(packageJson.keywords).toContain('data-lake');
    expect(packageJson.type).toBe('module');
    expect(packageJson.engines).toEqual({ node: '>=20.19' });
  });

  test('names the licence whose text is here', () => {
    expect(packageJson.license).toBe('Apache-2.0');
    expect(read('LICENSE')).toMatch(/Apache License\s+Version 2\.0, January 2004/);
    expect(read('LICENSE').split('\n')).toHaveLength(203);
  });

  test('has the scripts that the documents name', () => {
    expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(['demo', 'test', 'build', 'check']));
  });

  test('runs nothing on the machine of someone who installs it', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(packageJson.scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });

  test('takes its dependencies from the registry, in known ranges', () => {
    const ranges = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies });
    // DuckDB numbers the releases of its Node package behind its own version: 1.5.5-r.5.
    expect(ranges.filter(([, range]) => !/^[\^~]?\d+(\.\d+){0,2}(-r\.\d+)?$/.test(range))).toEqual([]);
    // 1.2.1 and 1.2.2 ignore the level, 2.x and later fetch a binary at install time (DESIGN, facts found by trying).
    expect(packageJson.dependencies['@mongodb-js/zstd']).toBe('1.2.0');
    // vitest 5 needs Node 22.
    expect(packageJson.devDependencies.vitest).toMatch(/^\^4\./);
  });

  test('is the version that package-lock.json and the changelog know', () => {
    const lock = JSON.parse(read('package-lock.json')) as { version: string };
    expect(lock.version).toBe(packageJson.version);
    const current = new RegExp(`^\\[?(Unreleased|v?${packageJson.version.replaceAll('.', '\\.')})\\b`, 'i');
    expect(headingsOf(read('CHANGELOG.md')).filter((heading) => current.test(heading))).not.toEqual([]);
  });
});

describe('the published package', () => {
  let published: PublishedPackage | undefined;
  let names: readonly string[];
  let consumer: string;
  let packageFolder: string;

  beforeAll(async () => {
    // A program that uses types of Node has these beside the package.
    const dependencies = [...Object.keys(packageJson.dependencies), '@types/node'];
    published = await publishInto(project, packageJson.name, dependencies);
    ({ names, consumer, packageFolder } = published);
  });

  afterAll(() => published?.remove());

  test('holds the program, its types, the schemas, the format and the licence', () => {
    const { bin, main, types } = packageJson;
    const named = [bin.lakepack, main, types].map((file) => path.posix.normalize(file ?? ''));
    const schemas = readdirSync(path.join(project, 'schemas')).map((name) => `schemas/${name}`);
    expect(schemas).toContain('schemas/export.v1.schema.json');
    const wanted = [...named, ...schemas, 'package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs/format.md'];
    expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('holds nothing else', () => {
    const known =
      /^(dist\/.+\.(js|d\.ts)|schemas\/[^/]+\.json|docs\/format\.md|(README|CHANGELOG)\.md|LICENSE|package\.json)$/;
    expect(names.filter((name) => !known.test(name))).toEqual([]);
    expect(names.filter((name) => /(^|\/)(test|fixtures|bench)\//.test(name) || name.includes('.test.'))).toEqual([]);
  });

  test('holds the output of every source, and none whose source is gone', () => {
    const built = names.filter((name) => name.startsWith('dist/') && name.endsWith('.js'));
    const sources = readdirSync(path.join(project, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .map((name) => `dist/${name.split(path.sep).join('/').replace(/\.ts$/, '.js')}`);
    expect(built).toEqual(sources.sort());
  });

  test('has every file that its exports name', () => {
    const targets = targetsOf(packageJson.exports).filter((target) => !target.includes('*'));
    expect(targets.filter((target) => !names.includes(path.posix.normalize(target)))).toEqual([]);
  });

  test('has a program that starts by itself', () => {
    const bin = path.join(packageFolder, packageJson.bin.lakepack ?? '');
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { status, stdout, stderr } = runNode([bin, '--version'], consumer);
    expect({ status, stdout: stdout.trim(), stderr }).toEqual({ status: 0, stdout: packageJson.version, stderr: '' });
  });

  test('can be imported by its name', () => {
    const script = `import * as api from 'lakepack'; console.log(JSON.stringify(Object.keys(api)));`;
    const { stdout, stderr } = runNode(['--input-type=module', '--eval', script], consumer);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(expect.arrayContaining(PROMISED_NAMES));
  });

  test('has types that a strict program compiles against', () => {
    const program = path.join(consumer, 'program.mts');
    writeFileSync(program, `export { ${PROMISED_NAMES.join(', ')} } from 'lakepack';\n`);
    const options: ts.CompilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, types: ['node'] },
      ...{ typeRoots: [path.join(consumer, 'node_modules/@types')], target: ts.ScriptTarget.ES2023 },
      ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
      // A program for Node without the types of browsers; the compiler's own types are not what is asked about.
      ...{ lib: ['lib.es2023.d.ts'], skipDefaultLibCheck: true },
    };
    const faults = ts.getPreEmitDiagnostics(ts.createProgram([program], options));
    expect(faults.map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, '\n'))).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  let tables: readonly Table[];

  beforeAll(() => {
    tables = tablesOf(read('docs/errors.md'));
  });

  test('has a row for every error code, and for nothing else', () => {
    expect([...codesOf(tableLike(tables, ERROR_CODES))].sort()).toEqual([...ERROR_CODES].sort());
  });

  test('has a row for every finding code, and for nothing else', () => {
    const codes = Object.keys(FINDING_CODES);
    expect([...codesOf(tableLike(tables, codes))].sort()).toEqual(codes.sort());
  });

  test('has a row for every exit code, and for nothing else', () => {
    const codes = Object.values(EXIT_CODES).map(String);
    expect(codes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '130']);
    expect([...codesOf(tableLike(tables, codes))].sort()).toEqual(codes.sort());
  });

  test('says of every finding whether it is an error or a warning', () => {
    const severities = columnOf(tableLike(tables, Object.keys(FINDING_CODES)), /severity/i);
    expect(severities).toEqual(FINDING_CODES);
  });

  test('says of every error the exit code that it ends with', () => {
    const exitCodes = columnOf(tableLike(tables, ERROR_CODES), /exit/i);
    expect(exitCodes).toEqual(Object.fromEntries(ERROR_CODES.map((code) => [code, String(exitCodeOf(code))])));
  });
});

describe('the documents', () => {
  const documents = (files ?? ['README.md']).filter((file) => file.endsWith('.md'));

  test.each(documents)('%s: every link to a file leads to one', (document) => {
    const targets = fileLinksOf(read(document));
    const broken = targets.filter((target) => !existsSync(path.join(project, path.dirname(document), target)));
    expect(broken).toEqual([]);
  });

  test('every decision is linked in docs/decisions/README.md', () => {
    const decisions = readdirSync(path.join(project, 'docs/decisions')).filter((name) => /(?<!README)\.md$/.test(name));
    const linked = fileLinksOf(read('docs/decisions/README.md')).map((target) => path.posix.normalize(target));
    expect(decisions.filter((name) => !linked.includes(name))).toEqual([]);
  });
});

describe('the files', () => {
  test('the lock file names no registry', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    expect(Object.keys(packages).filter((name) => packages[name]?.resolved !== undefined)).toEqual([]);
    expect(Object.keys(packages).length).toBeGreaterThan(50);
  });

  test.skipIf(files === undefined)('none holds a path of the machine it was written on', () => {
    // Put together here, so that this file does not find itself.
    const machineFolders = ['work', 'farm', 'root', 'home/[a-z]+', 'Users/[A-Za-z]+'].map((name) => `/${name}/`);
    const pattern = new RegExp(`(?<![\\w.~*-])(${machineFolders.join('|')})`);
    expect(pattern.test(`see ${['', 'root', 'x'].join('/')}`)).toBe(true);
    expect(linesMatching(project, files ?? [], pattern)).toEqual([]);
  });

  test.skipIf(files === undefined)('none names the registry that this machine uses', () => {
    const host = new URL(runNpm(project, ['config', 'get', 'registry']).trim()).host;
    const publicHosts = ['registry.npmjs.org', 'registry.yarnpkg.com'];
    if (publicHosts.includes(host)) return;
    expect(linesMatching(project, files ?? [], new RegExp(host.replaceAll('.', '\\.')))).toEqual([]);
  });

  test.skipIf(files === undefined)(
    'helpers of tests keep no hooks: a module that is loaded once adds them to one file',
    () => {
      const helpers = (files ?? []).filter((file) => /^test\/.*\.ts$/.test(file) && !/\.test\.ts$/.test(file));
      const others = helpers.filter((file) => file !== 'test/setup.ts');
      expect(others.length).toBeGreaterThan(10);
      expect(linesMatching(project, others, /^(void )?(after|before)(Each|All)\(/)).toEqual([]);
    },
  );

  test('CI runs .ci/run, which runs npm test', () => {
    expect(read('.github/workflows/ci.yml')).toMatch(/run: \.ci\/run$/m);
    expect(read('.ci/run')).toMatch(/^exec npm test$/m);
    // Windows has no such bit to look at.
    if (process.platform !== 'win32') expect(statSync(path.join(project, '.ci/run')).mode & 0o111).toBe(0o111);
  });
});

describe('the Markdown reader', () => {
  const markdown = [
    '# Codes',
    '| Code | Severity |',
    '| --- | --- |',
    '| `A_CODE` | `error` |',
    '| no code | a \\| b |',
    '## Other',
    '```sh',
    '| `NOT_ONE` | x |',
    '# no heading [no link](gone.md)',
    '```',
    'See [one](a.md#part), [web](https://example.org/x.md), `[none](b.md)` and [here](#codes).',
    '[ref]: c.md',
  ].join('\n');

  test('reads tables, headings and links, and nothing inside of code', () => {
    const tables = tablesOf(markdown);
    expect(tables).toHaveLength(1);
    expect(tables[0]).toMatchObject({ heading: 'Codes', header: ['Code', 'Severity'] });
    expect(tables.map(codesOf)).toEqual([['A_CODE']]);
    expect(tables[0]?.rows[1]).toEqual(['no code', 'a \\| b']);
    expect(headingsOf(markdown)).toEqual(['Codes', 'Other']);
    expect(fileLinksOf(markdown)).toEqual(['a.md', 'c.md']);
  });
});

function read(file: string): string {
  return readFileSync(path.join(project, file), 'utf8');
}

function runNode(args: readonly string[], cwd: string) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

/** Every file that a map of exports leads to, under any condition. */
function targetsOf(exports: unknown): readonly string[] {
  if (typeof exports === 'string') return [exports];
  return Object.values(exports as Record<string, unknown>).flatMap(targetsOf);
}

/** The table that shares most codes with a list; the test that asked for it says what is too much or too little. */
function tableLike(tables: readonly Table[], codes: readonly string[]): Table {
  const shared = (table: Table): number => codesOf(table).filter((code) => codes.includes(code)).length;
  const ratio = (table: Table): number => shared(table) / Math.max(codes.length, codesOf(table).length);
  const [best] = [...tables].sort((a, b) => ratio(b) - ratio(a));
  if (best === undefined) throw new Error('docs/errors.md: has no table');
  return best;
}

/** A column of a table by the codes of the first. Throws when the table has no such column. */
function columnOf(table: Table, header: RegExp): Readonly<Record<string, string>> {
  const column = table.header.findIndex((cell) => header.test(cell));
  if (column < 0) throw new Error(`docs/errors.md, "${table.heading}": has no column ${header.source}`);
  const plain = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '').trim();
  return Object.fromEntries(table.rows.map((row) => [plain(row[0]), plain(row[column])]));
}
