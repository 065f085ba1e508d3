/** `lakepack import pull`: from an archive into another, mostly a folder. */
import { LakepackError } from '../../../base/errors.js';
import type { TransferOptions } from '../../../index.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { EXPORT_SELECTOR_OPTIONS } from '../../selectors.js';
import { transferFindings, transferLines } from '../../transfer-lines.js';
import { TRANSFER_OPTIONS, transferOptions } from '../../transfer-options.js';

export const pullCommand: Command = {
  describe:
    'Fetches exports as they are, bundles and manifests, into an archive of your own: what is not there yet, every ' +
    'export with its history unless some are selected. Blocks are read side by side, each is compared, and objects get ' +
    'their names at the end. To restore files instead, use import unpack.',
  words: [
    {
      name: 'EXPORT',
      describe: 'an export id, the beginning of one, or a partition path (its newest export)',
      count: 'any',
    },
  ],
  options: {
    from: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'where the exports are: a remote or a folder',
      group: 'Transfer',
    },
    into: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['to'],
      describe: 'the archive to put them into, mostly a folder',
      group: 'Transfer',
    },
    ...TRANSFER_OPTIONS,
    ...EXPORT_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack import pull --from r2:lake --into ./archive', why: 'everything that is not there yet' },
    {
      line: 'lakepack import pull silver/vulns/dt=2025-10-11 --from r2:lake --into ./archive',
      why: 'the newest export of one partition',
    },
    {
      line: 'lakepack import pull --from https://cdn.example.org/lake --fallback b2:lake --into ./archive',
      why: 'what the first cannot give comes from the second',
    },
  ],
  async run(context) {
    const options = await pullOptions(context);
    const { transfer } = await context.library();
    const report = await context.withProgress('pull', (onProgress) => transfer({ ...options, onProgress }));
    await context.print('output-transfer', report, () => transferLines(report, context));
    return exitForFindings(transferFindings(report), report.totals.failed > 0);
  },
};

async function pullOptions(context: CommandContext): Promise<TransferOptions> {
  const { args } = context;
  const from = args.text('from');
  const to = args.text('into');
  if (from === undefined) throw missing('--from: is missing: where are the exports?', 'for example --from r2:lake');
  if (to === undefined) throw missing('--into: is missing: where to put them?', 'for example --into ./archive');
  return await transferOptions(context, { from, to, exports: args.words });
}

function missing(message: string, hint: string): LakepackError {
  return new LakepackError('USAGE', message, { hint });
}
