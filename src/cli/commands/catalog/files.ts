/** `lakepack catalog files`: the files of exports, printed as they come, so that ten million need no more memory. */
import { showPath } from '../../../base/paths.js';
import type { CatalogFile } from '../../../index.js';
import type { Command, CommandContext } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { safeJson } from '../../safe-text.js';
import { formatBytes } from '../../units.js';
import { CATALOG_OPTIONS, CATALOG_WORDS, catalogSelection } from './options.js';

/** Lines are written together: a write for each would cost more than making it. */
const CHUNK_CHARS = 64 * 1024;

export const catalogFilesCommand: Command = {
  describe: 'Lists the files of exports: size, modification time (UTC), path. With --json: one JSON object a line.',
  words: CATALOG_WORDS,
  options: CATALOG_OPTIONS,
  examples: [
    { line: 'lakepack catalog files silver/vulns/dt=2025-10-11 --archive ./lake', why: 'the files of one partition' },
    { line: 'lakepack catalog files --all --archive ./lake | grep parquet', why: 'find a file' },
    {
      line: `lakepack catalog files --all --archive ./lake --json | jq -r 'select(.sha256) | "\\(.sha256)  \\(.path)"'`,
      why: 'a list that sha256sum -c reads',
    },
  ],
  async run(context) {
    const { archive, select } = await catalogSelection(context);
    const { catalogFiles } = await context.library();
    let chunk = '';
    let exportId = '';
    for await (const file of catalogFiles({ archive, select, signal: context.io.signal })) {
      if (!context.json && file.exportId !== exportId) chunk += `${headingOf(file, context)}\n`;
      exportId = file.exportId;
      chunk += `${context.json ? safeJson(file) : fileLine(file)}\n`;
      if (chunk.length < CHUNK_CHARS) continue;
      await context.out.write(chunk);
      chunk = '';
      if (context.out.closed) break;
    }
    await context.out.write(chunk);
    return EXIT_CODES.done;
  },
};

function headingOf(file: CatalogFile, { style }: CommandContext): string {
  return style.bold(`${showPath(file.partition)} ${showPath(file.exportId)}`);
}

function fileLine(file: CatalogFile): string {
  const isDirectory = file.type === 'directory';
  const size = isDirectory ? '' : formatBytes(file.bytes);
  const time = new Date(file.mtime * 1000);
  const changed = Number.isNaN(time.getTime())
    ? String(file.mtime)
    : `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return `${size.padStart(10)}  ${changed}  ${showPath(file.path)}${isDirectory ? '/' : ''}`;
}
