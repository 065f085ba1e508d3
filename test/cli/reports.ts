/** Results as the operations return them, with every field filled, for the tests of the command line. */
import type {
  CatalogFile,
  CatalogList,
  ExportHead,
  Finding,
  LakeListing,
  ListedObject,
  PackReport,
  PruneReport,
  RemoteCheckReport,
  RemoteListing,
  ShareReport,
  TransferReport,
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
    copiedTo: [],
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
    totals: {
      ...{ packed: 1, unchanged: 1, failed: 0, planned: 0, files: 120, bytes: 4_404_019, storedBytes: 1_153_434 },
      ...{ removedFiles: 0, removedBytes: 0 },
    },
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
    healed: [],
    totals: { exports: 1, files: 100, bytes: 4_000_000, kept: 20, replaced: 1, resumed: 3 },
    elapsedMs: 200_000,
    ...change,
  };
}

export function transferReport(change: Partial<TransferReport> = {}): TransferReport {
  const names = (count: number) => ({ count, names: count === 0 ? [] : [`${PARTITION}/${EXPORT_ID}`] });
  return {
    from: 'lake',
    to: 'r2:lake',
    dryRun: false,
    exports: [
      {
        ...{ exportId: EXPORT_ID, path: PARTITION, status: 'transferred', bundles: 2, bytes: 4_404_019 },
        ...{ sentBytes: 4_404_125, resumedBytes: 0, copied: false, proof: 'store-sha256', sourceDeleted: false },
        findings: [],
      },
      {
        ...{ exportId: EXPORT_ID, path: 'silver/old', status: 'present', bundles: 1, bytes: 10, sentBytes: 0 },
        ...{ resumedBytes: 0, copied: false, sourceDeleted: false, findings: [] },
      },
    ],
    findings: [],
    totals: {
      ...{ transferred: 1, present: 1, failed: 0, planned: 0, objects: 4, bytes: 4_404_019, sentBytes: 4_404_125 },
      ...{ resumedBytes: 0, requests: { write: 0, read: 0 }, sourceDeleted: 0 },
    },
    cutOver: { onlyInSource: names(0), onlyInTarget: names(3), equal: names(2), different: names(0) },
    elapsedMs: 1_200,
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

export function remoteCheckReport(change: Partial<RemoteCheckReport> = {}): RemoteCheckReport {
  return {
    ...{ remote: 'r2:lake', kind: 's3', provider: 'r2', verdict: 'reading', ok: false },
    problems: [
      { probe: 'put', severity: 'error', code: 'PERMISSION_DENIED', message: 'put: not allowed', hint: 'allow it' },
      { probe: 'lifecycle', severity: 'warning', code: 'REMOTE_MISCONFIGURED', message: 'lifecycle: objects go' },
    ],
    probes: [
      { id: 'name', tries: 'the name resolves', outcome: 'works', neededFor: 'everything', note: 'example.org' },
      {
        ...{ id: 'put', tries: 'an object can be written', outcome: 'refused', neededFor: 'writing' },
        ...{ note: 'not allowed', instead: 'nothing', fix: 'allow it', code: 'PERMISSION_DENIED' },
      },
      { id: 'lifecycle', tries: 'rules', outcome: 'works', neededFor: 'nothing', problem: 'warning' },
    ],
    leftBehind: ['lake/lakepack-check-x/first (AccessDenied)'],
    elapsedMs: 900,
    ...change,
  };
}

export function remoteListing(): RemoteListing {
  return {
    remotes: [
      {
        ...{ name: 'r2', from: 'environment', kind: 's3', provider: 'Cloudflare R2', where: 'https://x/lake' },
        ...{ keyFrom: 'R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY', key: 'missing' },
        ...{ missing: ['R2_ACCESS_KEY_ID'], fallback: ['b2:lake'] },
      },
    ],
  };
}

export function listedObjects(): ListedObject[] {
  return [
    { key: 'exports/a', bytes: 10, storedAt: new Date('2025-10-11T08:00:00Z') },
    { key: 'manifests/new\nline', bytes: 20 },
  ];
}

export function shareReport(change: Partial<ShareReport> = {}): ShareReport {
  return {
    archive: 'r2:lake',
    expiresAt: '2025-10-12T08:00:00.000Z',
    exports: [
      {
        ...{ exportId: EXPORT_ID, path: PARTITION },
        files: [
          { name: 'a.json', key: 'manifests/a.json', url: "https://x/it's?X=1", bytes: 1, sha256: SHA },
          { name: 'a.SHA256SUMS', key: 'exports/a/SHA256SUMS', url: 'https://x/sums?X=2' },
        ],
      },
    ],
    ...change,
  };
}

export function pruneReport(change: Partial<PruneReport> = {}): PruneReport {
  return {
    ...{ archive: 'r2:lake', dryRun: false, what: 'objects' },
    rows: [
      { kind: 'bundle', key: 'exports/a', bytes: 10, at: '2025-10-11T08:00:00.000Z', status: 'removed' },
      { kind: 'index', key: 'manifests/b', bytes: 20, status: 'kept', reason: 'it is young' },
    ],
    totals: { removed: 1, planned: 0, kept: 1, refused: 0, bytes: 10, temporaries: 0 },
    elapsedMs: 10,
    ...change,
  };
}
