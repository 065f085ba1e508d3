/** `lakepack migrate`: a whole archive to another place. */
import type { TransferOptions } from '../../index.js';
import { given } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { exitForFindings } from '../exit-code.js';
import { EXPORT_SELECTOR_OPTIONS } from '../selectors.js';
import { transferFindings, transferLines } from '../transfer-lines.js';
import { TRANSFER_OPTIONS, transferOptions } from '../transfer-options.js';

export const migrateCommand: Command = {
  describe:
    'Moves an archive to another place: every export with its history, and the evidence of drills. Inside of one store ' +
    'the store copies by itself. What is there is proven; at the end both sides are compared. Nothing is deleted unless ' +
    'told, and then only exports whose every byte was proven in the new place. It goes on when it is repeated.',
  words: [
    { name: 'FROM', describe: 'the archive to move', count: 'one' },
    { name: 'TO', describe: 'where to move it', count: 'one' },
  ],
  options: {
    ...TRANSFER_OPTIONS,
    'delete-source': {
      kind: 'flag',
      describe: 'delete from the source the exports that were proven in the target',
      group: 'Transfer',
    },
    ...EXPORT_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack migrate r2:lake b2:lake --dry-run', why: 'how much that is, and in how many requests' },
    { line: 'lakepack migrate r2:lake b2:lake', why: 'copy, prove, compare' },
    { line: 'lakepack migrate r2:lake b2:lake --delete-source', why: 'the same, and then empty the source' },
  ],
  async run(context) {
    const options = await migrateOptions(context);
    const { transfer } = await context.library();
    const report = await context.withProgress('migrate', (onProgress) => transfer({ ...options, onProgress }));
    await context.print('output-transfer', report, () => transferLines(report, context));
    return exitForFindings(transferFindings(report), report.totals.failed > 0);
  },
};

async function migrateOptions(context: CommandContext): Promise<TransferOptions> {
  const [from = '', to = ''] = context.args.words;
  return {
    ...(await transferOptions(context, { from, to, exports: [] })),
    wholeArchive: true,
    ...given({ deleteSource: context.args.flag('delete-source') }),
  };
}
