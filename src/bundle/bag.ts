/**
 * The BagIt side of a bundle (RFC 8493, format 4.4): names of the tag files and their texts. Pure; `write.ts` puts
 * them into the tar, `check.ts` compares them.
 */
import { sha256Of } from '../base/sha256.js';
import type { ExportSource, Provenance } from '../schema/export-manifest.js';

export const BAGIT_TXT = 'bagit.txt';
export const RESTORE_MD = 'RESTORE.md';
export const PAYLOAD_FOLDER = 'data/';
export const BAG_INFO = 'bag-info.txt';
export const PAYLOAD_MANIFEST = 'manifest-sha256.txt';
export const TAG_MANIFEST = 'tagmanifest-sha256.txt';
export const EMBEDDED_EXPORT = 'lakepack/export.json';
export const EMBEDDED_FILES = 'lakepack/files.jsonl';
/** Only where a path makes `manifest-sha256.txt` differ from what `sha256sum` reads (format 4.5). */
export const EMBEDDED_SHA256SUMS = 'lakepack/sha256sums.txt';

/** RFC 8493, section 2.1.1. */
export const BAGIT_TXT_CONTENT = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

const SLUG_MAX_BYTES = 72;

/**
 * The bag's folder: the partition path with `.` for `/`, and the number of the bundle. Characters that a shell or a
 * disk could take amiss become `_`. Where that could give two paths one name (also for a `.` of the path itself), 8 hex
 * digits of the path's SHA-256 keep them apart (format 4.1).
 */
export function bagName(partitionPath: string, bundleNumber: number): string {
  const plain = partitionPath
    .replaceAll('/', '.')
    .replace(/[^A-Za-z0-9._=+-]/g, '_')
    .replace(/^[.-]/, '_');
  const exact = plain.replaceAll('.', '/') === partitionPath && plain.length <= SLUG_MAX_BYTES;
  const digest = sha256Of(partitionPath).slice(0, 8);
  const slug = exact ? plain : `${plain.slice(0, SLUG_MAX_BYTES)}-${digest}`;
  return `${slug}-${bundleNumberText(bundleNumber)}`;
}

/** Bundles are numbered from 00001. */
export function bundleNumberText(bundleNumber: number): string {
  return String(bundleNumber).padStart(5, '0');
}

/** RFC 8493, section 2.1.3: LF, CR and percent, and only those, are percent-encoded in a manifest. */
export function encodeBagPath(bagPath: string): string {
  return bagPath.replace(/[%\r\n]/g, (char) => (char === '%' ? '%25' : char === '\r' ? '%0D' : '%0A'));
}

export function decodeBagPath(encoded: string): string {
  return encoded.replace(/%(25|0D|0A)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** One line of a BagIt manifest, without its line feed. Also what `sha256sum -c` reads, for paths it needs no escape for. */
export function manifestLine(sha256: string, bagPath: string): string {
  return `${sha256}  ${encodeBagPath(bagPath)}`;
}

/** Whether the BagIt line of this path and the line of `sha256sum` differ (format 4.5). */
export function needsSha256sumEscape(path: string): boolean {
  return /[%\r\n]/.test(path);
}

/** The line `sha256sum` itself prints: backslash, LF and CR escaped, and then a backslash in front (coreutils 9). */
export function sha256sumLine(sha256: string, path: string): string {
  if (!/[\\\n\r]/.test(path)) return `${sha256}  ${path}`;
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `\\${sha256}  ${escaped}`;
}

export interface BagInfoFacts {
  readonly source: ExportSource;
  readonly provenance: Provenance;
  readonly bundleNumber: number;
  readonly payloadBytes: number;
  readonly payloadFiles: number;
  /** Whole seconds; the newest mtime of the export. */
  readonly newestMtime: number;
}

/** RFC 8493, section 2.2.2. */
export function bagInfo(facts: BagInfoFacts): string {
  const { provenance } = facts;
  const lines = [
    ['Payload-Oxum', `${facts.payloadBytes}.${facts.payloadFiles}`],
    ['External-Identifier', facts.source.path],
    ['Bag-Count', `${facts.bundleNumber} of ?`],
    ['Bagging-Date', baggingDate(facts.newestMtime)],
    ['External-Description', provenance.note],
    ['Licence', provenance.licence],
  ];
  return lines.map(([label, value]) => (value === undefined ? '' : `${label ?? ''}: ${oneLine(value)}\n`)).join('');
}

/** `yyyy-MM-dd`, or undefined for a time that has no four-digit year. */
function baggingDate(seconds: number): string | undefined {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) return undefined;
  return date.toISOString().slice(0, 10);
}

function oneLine(value: string): string {
  return value.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
