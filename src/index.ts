/** The public API of lakepack. Named exports only; the command line is written on it. */
export { pack, type PackOptions, type PackReport, type PackedExport } from './operations/pack.js';
export {
  verify,
  type VerifyDepth,
  type VerifyOptions,
  type VerifyReport,
  type VerifiedExport,
} from './operations/verify.js';
export { unpack, type UnpackOptions, type UnpackReport, type UnpackedExport } from './operations/unpack.js';
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
export { openArchive, type Archive, type ArchivePlace } from './archive/archive.js';
export type { ExportRef } from './archive/layout.js';
export type { OpenRemoteOptions } from './remote/open.js';
export type { ExportSelector, LakeSelector } from './operations/selection.js';
export type { ExportManifest, FileEntry, BundleFacts, FileContent, Grouping } from './schema/export-manifest.js';
export { LakepackError, ERROR_CODES, isLakepackError, type ErrorCode } from './base/errors.js';
export { FINDING_CODES, type Finding, type FindingCode, type FindingPlace, type Severity } from './base/findings.js';
export type { ProgressEvent, ProgressListener } from './base/progress.js';
