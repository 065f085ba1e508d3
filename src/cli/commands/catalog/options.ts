/** What the catalog commands have in common: the archive and the selection. */
import { LakepackError } from '../../../base/errors.js';
import { showPath } from '../../../base/paths.js';
import type { ArchiveLocation, ExportSelector } from '../../../index.js';
import type { CommandContext, OptionSpecs, WordSpec } from '../../command.js';
import { archivePlace } from '../../places.js';
import { EXPORT_SELECTOR_OPTIONS, exportSelector, splitWords } from '../../selectors.js';

export const CATALOG_OPTIONS: OptionSpecs = {
  archive: {
    kind: 'value',
    placeholder: 'ARCHIVE',
    aliases: ['from'],
    describe: 'the archive: a folder or remote',
    group: 'Catalog',
  },
  ...EXPORT_SELECTOR_OPTIONS,
};

export const CATALOG_WORDS: readonly WordSpec[] = [
  {
    name: 'EXPORT',
    describe: 'an export id, the beginning of one, or a partition path (its newest export)',
    count: 'any',
  },
];

/** Throws USAGE, also where a folder was named as rclone's users would. */
export async function catalogPlace(context: CommandContext): Promise<{
  readonly archive: ArchiveLocation;
  readonly select: ExportSelector | undefined;
}> {
  const { args, io } = context;
  const { exports, bundleFiles } = splitWords(args.words, io.cwd);
  const folder = bundleFiles?.[0];
  const archive = args.text('archive');
  if (folder !== undefined) {
    throw new LakepackError('USAGE', `${showPath(folder)}: is not an export id or partition path`, {
      hint:
        archive === undefined ? 'is it the archive? then write --archive before it' : '`lakepack verify` reads files',
    });
  }
  if (archive === undefined) {
    throw new LakepackError('USAGE', '--archive: is missing: where are the exports?', {
      hint: 'a lake is its own archive: --archive ./lake',
    });
  }
  return { archive: await archivePlace(archive, context), select: exportSelector(args, exports) };
}

/** As `catalogPlace`, where something must be selected. */
export async function catalogSelection(context: CommandContext): Promise<{
  readonly archive: ArchiveLocation;
  readonly select: ExportSelector;
}> {
  const { archive, select } = await catalogPlace(context);
  if (select !== undefined) return { archive, select };
  throw new LakepackError('USAGE', 'which export is missing', {
    hint: 'name an export or a partition path, or say --all; `lakepack catalog list` shows what there is',
  });
}
