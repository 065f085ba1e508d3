/** `lakepack export push`: from a lake or archive to another archive. */
import { LakepackError } from '../../../base/errors.js';
import type { TransferOptions } from '../../../index.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { EXPORT_SELECTOR_OPTIONS } from '../../selectors.js';
import { transferFindings, transferLines } from '../../transfer-lines.js';
import { TRANSFER_OPTIONS, transferOptions } from '../../transfer-options.js';

export const pushCommand: Command = {
  describe:
    'Sends exports to another archive: what is not there yet, every export with its history unless some are selected. ' +
    'Each block is compared before it is sent, what was stored is proven, and only then the manifest is written: an ' +
    'export is there whole or not at all. An interrupted push goes on when it is repeated.',
  words: [
    { name: 'ARCHIVE', describe: 'where the exports are: a lake, a folder or a remote', count: 'one' },
    {
      name: 'EXPORT',
      describe: 'an export id, the beginning of one, or a partition path (its newest export)',
      count: 'any',
    },
  ],
  options: {
    to: { kind: 'value', placeholder: 'ARCHIVE', describe: 'the archive to send them to', group: 'Transfer' },
    ...TRANSFER_OPTIONS,
    ...EXPORT_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack export push ./lake --to r2:lake', why: 'everything that is not there yet' },
    { line: 'lakepack export push ./lake --to r2:lake --dry-run', why: 'how much that is, and in how many requests' },
    {
      line: 'lakepack export push ./lake silver/vulns/dt=2025-10-11 --to b2:lake',
      why: 'the newest export of one partition',
    },
    {
      line: 'lakepack export push /mnt/archive --to s3://bucket/lake --bandwidth 50MB',
      why: 'not more than 50 MB a second',
    },
  ],
  async run(context) {
    const options = await pushOptions(context);
    const { transfer } = await context.library();
    const report = await context.withProgress('push', (onProgress) => transfer({ ...options, onProgress }));
    await context.print('output-transfer', report, () => transferLines(report, context));
    return exitForFindings(transferFindings(report), report.totals.failed > 0);
  },
};

async function pushOptions(context: CommandContext): Promise<TransferOptions> {
  const [from = '', ...exports] = context.args.words;
  const to = context.args.text('to');
  if (to === undefined) {
    throw new LakepackError('USAGE', '--to: is missing: which archive to send them to?', {
      hint: 'for example --to r2:lake, or --to /mnt/archive',
    });
  }
  return await transferOptions(context, { from, to, exports });
}
