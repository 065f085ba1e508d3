import { describe, expect, test } from 'vitest';
import { exportIdOf, parseManifestKey, manifestKey } from '../../src/archive/layout.js';
import { expectationFor, type RestoredExport } from '../../src/drill/expectations.js';
import type { ExportManifest } from '../../src/schema/export-manifest.js';
import type { TableFingerprint } from '../../src/schema/fingerprint.js';
import type { RowBatch, TableSpec } from '../../src/stores/contract.js';
import { FingerprintBuilder, type TableContent } from '../../src/stores/fingerprint.js';

const SPEC: TableSpec = {
  name: 'v',
  columns: [{ name: 'id', type: { kind: 'integer', bits: 64, signed: true }, sqlType: 'BIGINT' }],
  keys: ['id'],
  vector: undefined,
  indexes: [],
};
const DEFINITION = 'd'.repeat(64);
const INPUTS = 'e'.repeat(64);

function contentOf(...ids: number[]): TableContent {
  const builder = new FingerprintBuilder(SPEC);
  const batch: RowBatch = { rows: ids.length, columns: [ids] };
  builder.addBatch(batch);
  return builder.content();
}

function restored(
  path: string,
  files: readonly string[],
  fingerprint?: Partial<TableFingerprint> & TableContent,
  source: Partial<ExportManifest['source']> = {},
): RestoredExport {
  const exportId = exportIdOf(new Date(0), '0'.repeat(64));
  const ref = parseManifestKey(manifestKey(path, exportId));
  if (ref === undefined) throw new Error(path);
  const table = { definition: DEFINITION, scope: 'export' as const, files: files.length, ...fingerprint };
  const manifest = {
    exportId,
    source: { by: 'partition', path, ...source },
    files: files.map((file) => ({ path: file })),
    ...(fingerprint !== undefined && { fingerprints: { recipe: { sha256: '', content: {} }, tables: { v: table } } }),
  };
  // Only what an expectation looks at.
  return { ref, manifest: manifest as unknown as ExportManifest };
}

function expectation(
  exports: readonly RestoredExport[],
  files: readonly string[],
  scope: 'export' | 'lake' = 'export',
): ReturnType<typeof expectationFor> {
  return expectationFor('v', SPEC, scope, DEFINITION, exports, files, () => Promise.resolve(INPUTS));
}

describe('an expectation of export scope', () => {
  const one = restored('s/v/dt=1', ['s/v/dt=1/a'], contentOf(1, 2));
  const two = restored('s/v/dt=2', ['s/v/dt=2/a'], contentOf(3));
  const both = ['s/v/dt=1/a', 's/v/dt=2/a'];

  test('is the sum of what the exports say', async () => {
    expect(await expectation([one, two], both)).toEqual({ content: contentOf(1, 2, 3) });
  });

  test('is also there beside exports that feed other tables', async () => {
    const other = restored('s/w/dt=1', ['s/w/dt=1/a']);
    expect(await expectation([one, other, two], both)).toEqual({ content: contentOf(1, 2, 3) });
  });

  test('is not there when an export says nothing of its part, and the reason is told', async () => {
    const silent = restored('s/v/dt=2', ['s/v/dt=2/a']);
    expect(await expectation([one, silent], both)).toMatchObject({
      because: expect.stringMatching(/not all of its files: 1, and 2/) as string,
    });
    expect(await expectation([silent], ['s/v/dt=2/a'])).toMatchObject({
      because: expect.stringMatching(/no export/) as string,
    });
  });

  test('is not there when an export speaks of another definition', async () => {
    const older = restored('s/v/dt=2', ['s/v/dt=2/a'], { ...contentOf(3), definition: 'f'.repeat(64) });
    expect(await expectation([one, older], both)).toHaveProperty('because');
    expect(await expectation([older], ['s/v/dt=2/a'])).toMatchObject({
      because: expect.stringMatching(/another definition/) as string,
    });
  });

  test('is not there when a file stands in two exports: its rows would count twice', async () => {
    const run = restored('runs/r', ['s/v/dt=2/a'], contentOf(3), { by: 'run' });
    expect(await expectation([one, two, run], both)).toMatchObject({
      because: expect.stringMatching(/two of the exports/) as string,
    });
    const [unseen, third] = [restored('runs/r', [], { ...contentOf(3), files: 1 }, { by: 'run' }), both[0] ?? ''];
    Object.assign(unseen.manifest, { files: undefined, filesIndex: { entries: 1 } });
    expect(await expectation([one, unseen], [third, 's/v/dt=3/a'])).toMatchObject({
      because: expect.stringMatching(/groupings/) as string,
    });
  });
});

describe('an expectation of lake scope', () => {
  const said = { ...contentOf(1), scope: 'lake' as const };

  test('is what any export says that was made of just these files', async () => {
    const older = restored('s/v/dt=1', ['a'], { ...contentOf(9), scope: 'lake', inputs: '0'.repeat(64) });
    const newer = restored('s/v/dt=2', ['b'], { ...said, inputs: INPUTS });
    expect(await expectation([older, newer], ['a', 'b'], 'lake')).toEqual({ content: contentOf(1) });
  });

  test('is not there when the exports speak of other files', async () => {
    const older = restored('s/v/dt=1', ['a'], { ...said, inputs: '0'.repeat(64) });
    expect(await expectation([older], ['a'], 'lake')).toMatchObject({
      because: expect.stringMatching(/other files/) as string,
    });
  });
});
