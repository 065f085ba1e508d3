/** `lakepack remote ls`: the objects of a remote, printed as they come. */
import { LakepackError } from '../../../base/errors.js';
import { showPath } from '../../../base/paths.js';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { archivePlace } from '../../places.js';
import { safeJson } from '../../safe-text.js';
import { formatBytes, formatCounted } from '../../units.js';

/** Lines are written together: a write for each would cost more than making it. */
const CHUNK_CHARS = 64 * 1024;

export const remoteLsCommand: Command = {
  describe:
    'Lists the objects of a remote: size, when it was stored (UTC), key. With --json: one JSON object a line. A listing ' +
    'that ends well was complete.',
  words: [
    { name: 'REMOTE', describe: 'a named remote, s3://bucket/prefix, an address or a folder', count: 'one' },
    { name: 'PREFIX', describe: 'only keys that begin with it, such as manifests/silver/', count: 'any' },
  ],
  options: {},
  examples: [
    { line: 'lakepack remote ls r2:lake', why: 'everything' },
    { line: 'lakepack remote ls r2:lake exports/silver/vulns/', why: 'the bundles of one dataset' },
    { line: "lakepack remote ls r2:lake --json | jq -s 'map(.bytes) | add'", why: 'the sum of all sizes' },
  ],
  async run(context) {
    const [word = '', prefix, extra] = context.args.words;
    if (extra !== undefined) throw new LakepackError('USAGE', `${showPath(extra)}: one argument too many`);
    const place = await archivePlace(word, context);
    const { listObjects } = await context.library();
    let [chunk, objects, bytes] = ['', 0, 0];
    for await (const one of listObjects({ remote: place, signal: context.io.signal, ...given({ prefix }) })) {
      objects += 1;
      bytes += one.bytes;
      chunk += `${context.json ? safeJson(one) : objectLine(one)}\n`;
      if (chunk.length < CHUNK_CHARS) continue;
      await context.out.write(chunk);
      chunk = '';
      if (context.out.closed) break;
    }
    if (!context.json && !context.quiet) chunk += `${formatCounted(objects, 'object')}, ${formatBytes(bytes)}\n`;
    await context.out.write(chunk);
    return EXIT_CODES.done;
  },
};

function objectLine({
  key,
  bytes,
  storedAt,
}: {
  readonly key: string;
  readonly bytes: number;
  readonly storedAt?: Date;
}): string {
  const time = storedAt === undefined ? '' : `${storedAt.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return `${formatBytes(bytes).padStart(10)}  ${time.padEnd(20)}  ${showPath(key)}`;
}
