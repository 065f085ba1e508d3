/** `lakepack remote share`: links to exports, as a script that fetches and compares them with stock tools. */
import { LakepackError } from '../../../base/errors.js';
import type { ShareReport, SharedExport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command } from '../../command.js';
import { parseDurationMs } from '../../durations.js';
import { EXIT_CODES } from '../../exit-code.js';
import { archivePlace } from '../../places.js';
import { safeText } from '../../safe-text.js';
import { exportSelector } from '../../selectors.js';
import { formatBytes, formatTime } from '../../units.js';

export const remoteShareCommand: Command = {
  describe:
    'Prints links that read the manifest and the bundles of an export for a while, as a script of curl and sha256sum: who ' +
    'gets it needs no key and no lakepack. Who has a link can read what it is for: pass it on as you would a key.',
  words: [
    { name: 'REMOTE', describe: 'the archive: a bucket, or a public address', count: 'one' },
    { name: 'EXPORT', describe: 'an export id, the beginning of one, or a partition path', count: 'any' },
  ],
  options: {
    expires: {
      kind: 'value',
      placeholder: 'TIME',
      describe: 'how long the links hold: 24h, at most 7d',
      group: 'Share',
    },
  },
  examples: [
    { line: 'lakepack remote share r2:lake silver/vulns/dt=2025-10-11 > fetch.sh', why: 'links for a day' },
    { line: 'lakepack remote share r2:lake 20251011T08 --expires 7d', why: 'the longest that S3 allows' },
    {
      line: "lakepack remote share r2:lake 20251011T08 --json | jq -r '.exports[].files[].url'",
      why: 'the links alone',
    },
  ],
  async run(context) {
    const [word = '', ...exports] = context.args.words;
    const select = exportSelector(context.args, exports);
    if (select === undefined) {
      throw new LakepackError('USAGE', 'which export is missing', {
        hint: 'name an export or a partition path; `lakepack catalog list` shows what there is',
      });
    }
    const expiresMs = context.args.read('expires', parseDurationMs);
    const { share } = await context.library();
    const report = await share({
      ...{ archive: await archivePlace(word, context), select, signal: context.io.signal },
      ...given({ expiresSeconds: expiresMs === undefined ? undefined : Math.floor(expiresMs / 1000) }),
    });
    await context.print('output-remote-share', report, () => scriptLines(report));
    return EXIT_CODES.done;
  },
};

/** A script for sh. Everything that stands in it is quoted or a comment of one line. */
export function scriptLines(report: ShareReport): string[] {
  const until = report.expiresAt === undefined ? [] : [`# these links hold until ${formatTime(report.expiresAt)}`];
  return ['#!/bin/sh', ...until, 'set -e', ...report.exports.flatMap(exportLines)];
}

function exportLines({ exportId, path, files }: SharedExport): string[] {
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const sums = files.flatMap(({ sha256, name }) => (sha256 === undefined ? [] : [`${sha256}  ${name}`]));
  return [
    '',
    `# ${safeText(path)} ${exportId}, ${formatBytes(bytes)}`,
    ...files.map(({ name, url }) => `curl -fL -o ${quoted(name)} ${quoted(url)}`),
    "sha256sum -c - <<'SHA256'",
    ...sums,
    'SHA256',
  ];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
