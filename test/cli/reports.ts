/** Results as the operations return them, with every field filled, for the tests of the command line. */
import type {
  CatalogFile,
  CatalogList,
  ExportHead,
  Finding,
  LakeListing,
  PackReport,
  UnpackReport,
  VerifyReport,
} from '../../src/index.js';

const SHA = 'ab'.repeat(32);
export const EXPORT_ID = '20251011T080000Z-0a1b2c3d';
const PARTITION = 'silver/vulns/dt=2025-10-11';

export const DAMAGE: Finding = {
  code: 'BLOCK_HASH_WRONG',
  severity: 'error',
  message: 'a block does not have the bytes that were packed',
  where: {
    exportId: EXPORT_ID,
    partition: PARTITION,
    bundle: `${EXPORT_ID}-00001.tar.zst`,
    block: 3,
    frame: 12,
    storedOffset: 50_331_648,
    tarOffset: 61_000_000,
    path: `${PARTITION}/part-0.parquet`,
  },
  expected: SHA,
  found: 'cd'.repeat(32),
  repair: 'copy the bundle again from another archive',
};

export const WARNING: Finding = {
  code: 'SOURCE_SYMLINK',
  severity: 'warning',
  message: 'a symbolic link was left out',
  where: { partition: PARTITION, path: `${PARTITION}/latest` },
};

export function packReport(change: Partial<PackReport> = {}): PackReport {
  return {
    lake: 'lake',
    archive: 'lake',
    dryRun: false,
    exports: [
      {
        ...{ path: PARTITION, status: 'packed', exportId: EXPORT_ID, files: 120, directories: 1, bytes: 4_404_019 },
        ...{ storedBytes: 1_153_434, bundles: 1, contentDigest: SHA, findings: [WARNING] },
      },
      {
        ...{ path: 'silver/old', status: 'unchanged', exportId: EXPORT_ID, files: 2, directories: 0, bytes: 10 },
        ...{ storedBytes: 0, bundles: 0, contentDigest: SHA, findings: [] },
      },
    ],
    findings: [],
    totals: { packed: 1, unchanged: 1, failed: 0, planned: 0, files: 120, bytes: 4_404_019, storedBytes: 1_153_434 },
    elapsedMs: 1234.5,
    ...change,
  };
}

export function verifyReport(findings: readonly Finding[] = [], change: Partial<VerifyReport> = {}): VerifyReport {
  const ok = findings.every((one) => one.severity !== 'error');
  return {
    archive: 'lake',
    depth: 'contents',
    sample: 0.05,
    sampleSeed: 42,
    exports: [
      {
        ...{ name: EXPORT_ID, path: PARTITION, ok, bundles: 1, files: 120 },
        ...{ storedBytesRead: 1_153_434, contentBytesRead: 4_404_019, findings },
      },
    ],
    ok,
    totals: {
      ...{ exports: 1, damaged: ok ? 0 : 1, findings: findings.length, files: 120 },
      ...{ storedBytesRead: 1_153_434, contentBytesRead: 4_404_019 },
    },
    elapsedMs: 80,
    ...change,
  };
}

export function unpackReport(change: Partial<UnpackReport> = {}): UnpackReport {
  return {
    into: 'restored',
    dryRun: false,
    exports: [{ name: EXPORT_ID, path: PARTITION, files: 100, bytes: 4_000_000, kept: 20, replaced: 1 }],
    findings: [],
    totals: { exports: 1, files: 100, bytes: 4_000_000, kept: 20, replaced: 1, resumed: 3 },
    elapsedMs: 200_000,
    ...change,
  };
}

export function catalogListing(): CatalogList {
  return {
    archive: 'lake',
    exports: [
      {
        ...{ exportId: EXPORT_ID, path: PARTITION, createdAt: '2025-10-11T08:00:00Z', layer: 'silver' },
        ...{ dataset: 'vulns', runId: 'run-1', files: 120, bytes: 4_404_019, storedBytes: 1_153_434, rows: 1_200_000 },
        ...{ bundles: 1, contentDigest: SHA },
      },
    ],
  };
}

export function exportHead(): ExportHead {
  return {
    formatVersion: 1,
    exportId: EXPORT_ID,
    createdAt: '2025-10-11T08:00:00Z',
    tool: { name: 'lakepack', version: '0.1.0', zstdVersion: '1.5.2', level: 3 },
    source: {
      ...{ by: 'partition', path: PARTITION, layer: 'silver', dataset: 'vulns', keys: { dt: '2025-10-11' } },
      ...{ runId: 'run-1', scanDigest: SHA },
    },
    provenance: {
      ...{ licence: 'CC0-1.0', note: 'nightly', runManifestsOmitted: 1 },
      runManifests: [{ path: 'manifests/run-1.json', content: { ok: true } }],
    },
    contentDigest: SHA,
    totals: { files: 120, directories: 1, bytes: 4_404_019, storedBytes: 1_153_434, rows: 1_200_000 },
    bundles: [
      {
        ...{ name: `${EXPORT_ID}-00001.tar.zst`, storedBytes: 1_153_434, sha256: SHA, tarBytes: 4_500_000, frames: 4 },
        blocks: { size: 16_777_216, sha256: [SHA] },
        seekTable: { offset: 1_153_000, bytes: 434 },
        payload: { files: 120, bytes: 4_404_019 },
      },
    ],
    filesIndex: { name: `${EXPORT_ID}.files.jsonl.zst`, bytes: 900, sha256: SHA, entries: 121 },
    manifestKey: `manifests/${PARTITION}/${EXPORT_ID}.export.json`,
  };
}

export function catalogFile(change: Partial<CatalogFile> = {}): CatalogFile {
  return {
    ...{ exportId: EXPORT_ID, partition: PARTITION, bundleName: `${EXPORT_ID}-00001.tar.zst` },
    ...{ path: `${PARTITION}/part-0.parquet`, bytes: 4_000_000, sha256: SHA, mtime: 1_760_169_600, executable: true },
    ...{ bundle: 1, offset: 1536, stored: { offset: 0, length: 1_000_000, skip: 1536 } },
    content: {
      ...{ format: 'parquet', rows: 1_200_000, rowGroups: 2, columns: [{ name: 'id', type: 'BYTE_ARRAY' }] },
      ...{ compression: 'gzip', damaged: true },
    },
    ...change,
  };
}

export function lakeListing(change: Partial<LakeListing> = {}): LakeListing {
  return {
    lake: 'lake',
    archive: 'lake',
    partitions: [
      {
        ...{ path: PARTITION, layer: 'silver', dataset: 'vulns', keys: { dt: '2025-10-11' }, runId: 'run-1' },
        ...{ files: 120, directories: 1, bytes: 4_404_019, newestChange: '2025-10-11T07:59:59.123Z' },
        lastExport: { exportId: EXPORT_ID, createdAt: '2025-10-11T08:00:00Z' },
        state: 'current',
      },
      { path: 'gold/empty', keys: {}, files: 0, directories: 3, bytes: 0, state: 'never' },
    ],
    findings: [],
    ...change,
  };
}
