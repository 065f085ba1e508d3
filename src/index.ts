/** The public API of lakepack. Named exports only; the command line is written on it. */
export { pack, type PackOptions, type PackReport, type PackedCopy, type PackedExport } from './operations/pack.js';
export {
  verify,
  type VerifyDepth,
  type VerifyOptions,
  type VerifyReport,
  type VerifiedExport,
} from './operations/verify.js';
export {
  unpack,
  type HealedSum,
  type UnpackOptions,
  type UnpackReport,
  type UnpackedExport,
} from './operations/unpack.js';
export {
  transfer,
  type CutOver,
  type ExportNames,
  type TransferOptions,
  type TransferReport,
  type TransferredExport,
} from './operations/transfer.js';
export {
  catalogFiles,
  catalogList,
  catalogShow,
  type CatalogFile,
  type CatalogList,
  type CatalogListOptions,
  type CatalogRow,
  type CatalogShowOptions,
  type ExportHead,
} from './operations/catalog.js';
export { listLake, type LakeListing, type LakePartition, type ListLakeOptions } from './operations/list-lake.js';
export {
  checkRemote,
  type CheckProblem,
  type CheckRemoteOptions,
  type CheckVerdict,
  type ProbeOutcome,
  type ProbeResult,
  type RemoteCheckReport,
} from './operations/check-remote.js';
export { listRemotes, type NamedRemote, type RemoteListing } from './operations/list-remotes.js';
export { listObjects, type ListObjectsOptions, type ListedObject } from './operations/list-objects.js';
export { share, type SharedExport, type SharedFile, type ShareOptions, type ShareReport } from './operations/share.js';
export { prune, type PrunedObject, type PruneOptions, type PruneReport } from './operations/prune.js';
export {
  drill,
  history as drillHistory,
  notify,
  packWithFingerprints,
  readDrillPlan,
  readRecipe,
  rebuild,
  status,
  writeCatalogOf,
  writeDrillReports,
  writeRecipe,
} from './drill/verbs.js';
export type {
  DrillAssertion,
  DrillBudget,
  DrillOptions,
  DrillPick,
  DrillPlan,
  DrillReport,
  RebuildOptions,
  RebuildReport,
} from './drill/contract.js';
export type { DrillRecord } from './schema/drill-record.js';
export type { DrillHistory, DrillHistoryRow, HistoryOptions } from './drill/history.js';
export type { StatusOptions, StatusReport, StatusRow } from './drill/status.js';
export type { WriteCatalogOptions, WrittenCatalog } from './drill/catalog-store.js';
export type { PackWithFingerprintsOptions } from './drill/pack-with-fingerprints.js';
export type { WriteRecipeOptions, WriteRecipeReport } from './drill/write-recipe.js';
export { reportFilesIn, type DrillReportFiles } from './drill/write-reports.js';
export { drillHtml } from './drill/report-html.js';
export { drillJUnit } from './drill/report-junit.js';
export { drillPrometheus } from './drill/report-prometheus.js';
export type { NotifyOptions } from './drill/notify.js';
export { scheduleSnippets, type ScheduleOptions, type ScheduleSnippets } from './drill/schedule.js';
export type { Recipe } from './schema/recipe.js';
export { openArchive, type Archive, type ArchivePlace } from './archive/archive.js';
export type { ArchiveLocation } from './archive/contract.js';
export type { ExportRef } from './archive/layout.js';
export type { RemoteContext, RemoteEnvironment, RemoteLocation } from './remote/location.js';
export type { OpenRemoteOptions } from './remote/open.js';
export type { RemoteConfig } from './schema/remote-config.js';
export type { ExportSelector, LakeSelector } from './operations/selection.js';
export type { ExportManifest, FileEntry, BundleFacts, FileContent, Grouping } from './schema/export-manifest.js';
export { LakepackError, ERROR_CODES, isLakepackError, type ErrorCode } from './base/errors.js';
export { FINDING_CODES, type Finding, type FindingCode, type FindingPlace, type Severity } from './base/findings.js';
export type { ProgressEvent, ProgressListener } from './base/progress.js';
