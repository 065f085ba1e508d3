/** Every --json output against its published schema. */
import { readFileSync, readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, LakepackError } from '../../src/base/errors.js';
import { FINDING_CODES } from '../../src/base/findings.js';
import * as drills from './drill-reports.js';
import * as reports from './reports.js';
import { runCli } from './run-cli.js';

const folder = new URL('../../schemas/', import.meta.url);
/** The record of a drill is part of an output. */
const names = readdirSync(folder).filter((name) => /^(output-|drill\.)/.test(name));
const schemas = names.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Schema);

type Schema = { $id: string; properties: Record<string, { enum?: string[] }> };

const ajv = new Ajv2020({ allErrors: true, strict: true, schemas: schemas.map(closed) });
addFormatsModule.default(ajv);

/** The schema with nothing allowed beside what it describes: a field that a report gains must be described. */
function closed(node: unknown): Schema {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, walk(part)]));
    return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
  };
  return walk(node) as Schema;
}

function faultsOf(name: string, value: unknown): unknown {
  const validate = ajv.getSchema(`https://lakepack.dev/schemas/${name}.v1.schema.json`);
  if (validate === undefined) throw new Error(`${name}: no such schema`);
  return validate(value) === true ? [] : validate.errors;
}

const listed = async (): Promise<ReturnType<typeof reports.exportHead>[]> => [reports.exportHead()];
const { DAMAGE, WARNING } = reports;

const OUTPUTS: readonly [string, string, Parameters<typeof runCli>[1]][] = [
  ['export pack a', 'output-export-pack', { pack: async () => reports.packReport({ findings: [DAMAGE] }) }],
  [
    'export push a --to b',
    'output-transfer',
    { transfer: async () => reports.transferReport({ findings: [WARNING] }) },
  ],
  ['import pull --from a --into b', 'output-transfer', { transfer: async () => reports.transferReport() }],
  ['migrate a b', 'output-transfer', { transfer: async () => reports.transferReport() }],
  ['verify --archive a', 'output-verify', { verify: async () => reports.verifyReport([DAMAGE, WARNING]) }],
  [
    'import unpack --all --from a --into b',
    'output-import-unpack',
    { unpack: async () => reports.unpackReport({ findings: [WARNING] }) },
  ],
  ['catalog list --archive a', 'output-catalog-list', { catalogList: async () => reports.catalogListing() }],
  ['catalog show --all --archive a', 'output-catalog-show', { catalogShow: listed }],
  ['remote check a', 'output-remote-check', { checkRemote: async () => reports.remoteCheckReport() }],
  ['remote list', 'output-remote-list', { listRemotes: () => reports.remoteListing() }],
  ['remote share a b', 'output-remote-share', { share: async () => reports.shareReport() }],
  [
    'drill run --quick --from a --webhook https://x.test',
    'output-drill-run',
    { ...drills.DRILL_LIBRARY, drill: async () => drills.drillReport(), notify: async () => [WARNING] },
  ],
  ['drill history --from a', 'output-drill-history', { drillHistory: async () => drills.drillHistory() }],
  ['drill schedule --quick --from a', 'output-drill-schedule', { scheduleSnippets: () => drills.snippets() }],
  ['status --from a --max-age 30d', 'output-status', { status: async () => drills.statusReport() }],
  ['rebuild --store s --from a --into b', 'output-rebuild', { rebuild: async () => drills.rebuildReport() }],
  ['recipe init a', 'output-recipe-init', { writeRecipe: async () => drills.recipeReport() }],
  ['prune a', 'output-prune', { prune: async () => reports.pruneReport() }],
  ['lake list a', 'output-lake-list', { listLake: async () => reports.lakeListing({ findings: [WARNING] }) }],
];

describe('--json', () => {
  test.each(OUTPUTS)('%s conforms to %s', async (line, name, library) => {
    const { stdout, stderr } = await runCli([...line.split(' '), '--json'], library);
    expect(stderr).toBe('');
    const value = JSON.parse(stdout) as { schema: string };
    expect(faultsOf(name, value)).toEqual([]);
    expect(value.schema).toBe(`https://lakepack.dev/schemas/${name}.v1.schema.json`);
  });

  test('catalog files prints one conforming object a line', async () => {
    async function* catalogFiles() {
      yield reports.catalogFile();
      yield reports.catalogFile({ path: 'new\nline\u009b' });
    }
    const { stdout } = await runCli(['catalog', 'files', '--all', '--archive', 'a', '--json'], { catalogFiles });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines.map((one) => faultsOf('output-catalog-files', JSON.parse(one)))).toEqual([[], []]);
    expect(stdout).not.toContain('\u009b');
    expect(JSON.parse(lines[1] ?? '')).toEqual(reports.catalogFile({ path: 'new\nline\u009b' }));
  });

  test('remote ls prints one conforming object a line', async () => {
    async function* listObjects() {
      yield* reports.listedObjects();
    }
    const { stdout } = await runCli(['remote', 'ls', 'a', '--json'], { listObjects });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((one) => faultsOf('output-remote-ls', JSON.parse(one)))).toEqual([[], []]);
  });

  test('an error is one JSON line on stderr, and stdout stays empty', async () => {
    const listLake = async (): Promise<never> => {
      throw new LakepackError('REMOTE_UNAVAILABLE', 'r2:x: timed out', { hint: 'try again', retryable: true });
    };
    const { code, stdout, stderr } = await runCli(['lake', 'list', 'a', '--json', '--debug'], { listLake });
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(faultsOf('output-error', JSON.parse(stderr))).toEqual([]);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'REMOTE_UNAVAILABLE', exitCode: 6, retryable: true });
  });

  test('a usage error is one too', async () => {
    const { stderr } = await runCli(['verfy', '--json']);
    expect(faultsOf('output-error', JSON.parse(stderr))).toEqual([]);
  });
});

describe('the schemas', () => {
  test.each(schemas)('$$id describes every field, and names its own file', (schema) => {
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    expect(names).toContain(schema.$id.replace('https://lakepack.dev/schemas/', ''));
    const undescribed = Object.entries(schema.properties).filter(([key, value]) => {
      return !('description' in value) && !['totals', 'lastExport'].includes(key);
    });
    expect(undescribed).toEqual([]);
  });

  test('know the codes of the program', () => {
    const codesIn = (name: string) => schemas.find((one) => one.$id.endsWith(`/${name}`))?.properties.code?.enum;
    expect(codesIn('output-error.v1.schema.json')).toEqual(ERROR_CODES);
    expect(codesIn('output-finding.v1.schema.json')).toEqual(Object.keys(FINDING_CODES));
  });
});
