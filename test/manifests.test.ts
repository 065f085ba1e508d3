/** The worked examples of `manifests/`: valid by the schemas, read by lakepack, true of the frozen archives. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseFileEntry, parseManifest } from '../src/schema/parse-manifest.js';
import type { ExportManifest, FileEntry } from '../src/schema/export-manifest.js';
import { serializeManifest } from '../src/schema/serialize-manifest.js';
import { decompressFrame } from '../src/codec/zstd.js';
import { tablesOf } from './support/markdown.js';

const project = path.resolve(import.meta.dirname, '..');
const examples = path.join(project, 'manifests');
const names = fs.readdirSync(examples).filter((name) => name.endsWith('.export.json'));

function bytesOf(name: string): Buffer {
  return fs.readFileSync(path.join(examples, name));
}

function archiveOf(name: string): string {
  return path.join(project, 'fixtures/bundles/good', name.replace(/\.export\.json$/, ''));
}

describe.each(names)('manifests/%s', (name) => {
  let ajv: Ajv2020;
  let manifest: ExportManifest;

  beforeAll(() => {
    ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
    // A CommonJS module: its default export is the function or holds it, as the loader has it.
    formats.default(ajv);
    for (const file of fs.readdirSync(path.join(project, 'schemas'))) {
      ajv.addSchema(JSON.parse(fs.readFileSync(path.join(project, 'schemas', file), 'utf8')) as object);
    }
    manifest = parseManifest(bytesOf(name), name);
  });

  function faultsBy(schema: string, value: unknown): unknown {
    const validate = ajv.getSchema(`https://lakepack.dev/schemas/${schema}.schema.json`);
    return validate?.(value) === true ? [] : (validate?.errors ?? 'there is no such schema');
  }

  test('is valid by its schema', () => {
    expect(faultsBy('export.v1', JSON.parse(bytesOf(name).toString()))).toEqual([]);
  });

  test('is written again as it stands', () => {
    expect(serializeManifest(manifest).toString()).toBe(bytesOf(name).toString());
  });

  test('is the manifest of the frozen archive of its name', () => {
    const { source, exportId } = manifest;
    const frozen = path.join(archiveOf(name), 'manifests', source.path, `${exportId}.export.json`);
    expect(bytesOf(name).equals(fs.readFileSync(frozen))).toBe(true);
  });

  test('has every entry valid by its schema', async () => {
    const entries = await entriesOf(name, manifest);
    expect(entries).toHaveLength(manifest.totals.files + manifest.totals.directories);
    expect(entries.flatMap((entry) => faultsBy('file-entry.v1', entry))).toEqual([]);
  });
});

async function entriesOf(name: string, manifest: ExportManifest): Promise<readonly FileEntry[]> {
  if (manifest.filesIndex === undefined) return manifest.files ?? [];
  const index = path.join(archiveOf(name), 'manifests', manifest.source.path, manifest.filesIndex.name);
  const text = await decompressFrame(fs.readFileSync(index), 64 * 1024 ** 2);
  return text
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => parseFileEntry(line, index));
}

describe('the examples', () => {
  const manifests = names.map((name) => JSON.parse(bytesOf(name).toString()) as ExportManifest);
  const some = (shows: (manifest: ExportManifest) => boolean | undefined): boolean =>
    manifests.some((one) => shows(one) === true);

  test('have one for each feature of the format', () => {
    expect({
      inlineFiles: some((one) => one.files !== undefined && one.filesIndex === undefined),
      filesIndex: some((one) => one.filesIndex !== undefined && one.files === undefined),
      severalBundles: some((one) => one.bundles.length > 1),
      byRun: some((one) => one.source.by === 'run' && one.source.runId !== undefined),
      runManifests: some((one) => (one.provenance.runManifests?.length ?? 0) > 0),
      licenceAndNote: some((one) => one.provenance.licence !== undefined && one.provenance.note !== undefined),
      parquet: some((one) =>
        one.files?.some(({ content }) => content?.format === 'parquet' && content.columns !== undefined),
      ),
      damaged: some((one) => one.files?.some(({ content }) => content?.damaged === true)),
      emptyFolders: some((one) => one.files?.some(({ type }) => type === 'directory')),
      fingerprints: some((one) => one.fingerprints?.tables['vectors']?.vectors !== undefined),
      executables: some((one) => one.files?.some(({ executable }) => executable === true)),
    }).toEqual(Object.fromEntries(FEATURES.map((feature) => [feature, true])));
  });

  test('are each explained in the README, and nothing else is', () => {
    const rows = tablesOf(fs.readFileSync(path.join(examples, 'README.md'), 'utf8')).flatMap((table) => table.rows);
    const others = ['recipes', 'plans'].flatMap((folder) =>
      fs.readdirSync(path.join(examples, folder)).map((name) => `${folder}/${name}`),
    );
    const told = rows.map(([name]) => (name ?? '').replaceAll('`', '').trim());
    expect(told.sort()).toEqual([...names, ...others].sort());
  });

  test.skipIf(spawnSync('sha256sum', ['--version']).status !== 0)(
    'stand beside bundles that sha256sum -c takes',
    () => {
      for (const name of names) {
        const { source, exportId } = JSON.parse(bytesOf(name).toString()) as ExportManifest;
        const cwd = path.join(archiveOf(name), 'exports', source.path, exportId);
        expect(spawnSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd }).status, name).toBe(0);
      }
    },
  );
});

const FEATURES = [
  ...['inlineFiles', 'filesIndex', 'severalBundles', 'byRun', 'runManifests', 'licenceAndNote'],
  ...['parquet', 'damaged', 'emptyFolders', 'fingerprints', 'executables'],
];
