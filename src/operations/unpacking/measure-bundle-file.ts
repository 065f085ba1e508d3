/**
 * What restoring a bundle file by itself would come to, for a dry run: it is read and checked as for a restore and
 * compared with the target, and nothing is written outside the scratch folder.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { throwIfAborted } from '../../base/errors.js';
import { LineSpool } from '../../base/line-spool.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import { checkBundle } from '../../bundle/check.js';
import { readForeign } from '../../bundle/foreign.js';
import { openBundleFile } from '../bundle-file.js';
import type { UnpackedExport } from './contract.js';
import { damagedBundle } from './restore-errors.js';
import type { PresenceCheck, WantedFile } from './target.js';

export interface MeasureSettings {
  readonly wants: (lakePath: string) => boolean;
  readonly foreign: boolean;
  readonly concurrency: number;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly presence: PresenceCheck;
  readonly replace: boolean;
}

export interface MeasuredBundle {
  readonly row: UnpackedExport;
  readonly topNames: ReadonlySet<string>;
  /** Lake paths of what is there and may not be replaced. */
  readonly conflicts: readonly string[];
}

/** Throws what restoring that file would throw. */
export async function measureBundleFile(settings: MeasureSettings, file: string): Promise<MeasuredBundle> {
  const name = path.basename(file);
  const source = await openBundleFile(file);
  const entries = new LineSpool({ scratchDir: settings.scratchDir });
  try {
    const add = (entry: WantedFile): void => entries.append(JSON.stringify(entry));
    const partition = settings.foreign
      ? await readForeignEntries(settings, source, add)
      : await readEntries(settings, source, add);
    return await compare(settings, { name, path: partition }, entries);
  } finally {
    entries.dispose();
    await source.close();
  }
}

type Add = (entry: WantedFile) => void;

/** Returns the partition path that the bundle tells. */
async function readEntries(settings: MeasureSettings, source: ByteSource, add: Add): Promise<string> {
  const { wants, concurrency, scratchDir, signal } = settings;
  const { findings, embedded } = await checkBundle(source, {
    depth: 'contents',
    sidecar: undefined,
    where: { bundle: source.name },
    concurrency,
    scratchDir,
    signal,
    onBytes: () => throwIfAborted(signal),
    sink: {
      open: async (entry) => {
        if (!wants(entry.path)) return undefined;
        if (entry.type === 'directory') {
          add({ path: entry.path, type: 'directory', bytes: 0 });
          return undefined;
        }
        const hash = createHash('sha256');
        return {
          data: (bytes) => void hash.update(bytes),
          end: () => add({ path: entry.path, bytes: entry.bytes, sha256: hash.digest('hex') }),
        };
      },
    },
  });
  const [first] = findings;
  if (first !== undefined) throw damagedBundle(source.name, first, findings.length);
  return embedded?.source.path ?? '';
}

async function readForeignEntries({ wants, signal }: MeasureSettings, source: ByteSource, add: Add): Promise<string> {
  let open: { readonly path: string; readonly bytes: number } | undefined;
  let hash = createHash('sha256');
  for await (const event of readForeign(source)) {
    throwIfAborted(signal);
    if (event.type === 'data') hash.update(event.bytes);
    else if (event.type === 'entry-end') {
      if (open !== undefined) add({ ...open, sha256: hash.digest('hex') });
      open = undefined;
    } else if (event.entry.path !== '.' && wants(event.entry.path)) {
      const { path: lakePath, type, bytes } = event.entry;
      if (type === 'directory') add({ path: lakePath, type, bytes: 0 });
      else open = { path: lakePath, bytes };
      hash = createHash('sha256');
    }
  }
  return '';
}

async function compare(
  { presence, replace }: MeasureSettings,
  of: { readonly name: string; readonly path: string },
  entries: LineSpool,
): Promise<MeasuredBundle> {
  const counts = { files: 0, bytes: 0, kept: 0, replaced: 0 };
  const topNames = new Set<string>();
  const conflicts: string[] = [];
  for await (const line of entries) {
    const wanted = JSON.parse(line) as WantedFile;
    topNames.add(wanted.path.split('/', 1)[0] ?? '');
    const found = await presence.of(wanted);
    if (found === 'blocked' || (found === 'different' && !replace)) conflicts.push(wanted.path);
    if (wanted.type === 'directory') continue;
    if (found === 'equal') {
      counts.kept += 1;
      continue;
    }
    counts.files += 1;
    counts.bytes += wanted.bytes;
    if (found === 'different') counts.replaced += 1;
  }
  return { row: { ...of, ...counts }, topNames, conflicts };
}
