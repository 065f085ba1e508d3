/** Puts the reports of a drill into files: each under a temporary name first, so that nobody reads half of one. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newTemporaryId, temporaryName } from '../base/temporary-name.js';
import { onDisk } from '../base/system-errors.js';
import type { DrillReport } from './contract.js';
import { evidenceBytes } from './evidence.js';
import { drillHtml } from './report-html.js';
import { drillJUnit } from './report-junit.js';
import { drillPrometheus } from './report-prometheus.js';

/** Files to write; folders are made. What stands there is replaced. */
export interface DrillReportFiles {
  readonly html?: string;
  readonly junit?: string;
  readonly prometheus?: string;
  /** The record as it is stored as evidence. */
  readonly json?: string;
}

/** A folder with one of each: `<drillId>.html`, `.junit.xml`, `.prom`, `.drill.json`. */
export function reportFilesIn(folder: string, drillId: string): Required<DrillReportFiles> {
  const named = (ending: string): string => path.join(folder, `${drillId}.${ending}`);
  return { html: named('html'), junit: named('junit.xml'), prometheus: named('prom'), json: named('drill.json') };
}

/** The files that were written, in the order of the options. @throws PERMISSION_DENIED, NOT_FOUND, DISK_FULL. */
export async function writeDrillReports(report: DrillReport, files: DrillReportFiles): Promise<readonly string[]> {
  const wanted: readonly (readonly [string | undefined, () => string | Buffer])[] = [
    [files.html, () => drillHtml(report)],
    [files.junit, () => drillJUnit(report.record)],
    [files.prometheus, () => drillPrometheus(report.record)],
    [files.json, () => evidenceBytes(report.record)],
  ];
  const written: string[] = [];
  for (const [file, content] of wanted) {
    if (file === undefined) continue;
    await onDisk(file, () => replaceFile(file, content()));
    written.push(file);
  }
  return written;
}

async function replaceFile(file: string, content: string | Buffer): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  // A collector of text files reads `*.prom`: the temporary ends otherwise.
  const temporary = path.join(folder, temporaryName(path.basename(file), newTemporaryId()));
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
