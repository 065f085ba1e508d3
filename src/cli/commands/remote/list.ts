/** `lakepack remote list`: the remotes that have a name, and whether they are set up. Never a key. */
import { showPath } from '../../../base/paths.js';
import type { NamedRemote } from '../../../index.js';
import type { Command } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { remoteContext } from '../../places.js';
import { tableLines, type Column } from '../../table.js';

export const remoteListCommand: Command = {
  describe:
    'Lists the remotes that the environment and the configuration name, where each is, and which variables its key ' +
    'comes from. Shows no key, and asks no store.',
  words: [],
  options: {},
  examples: [
    { line: 'lakepack remote list', why: 'what can be written before a colon' },
    {
      line: "lakepack remote list --json | jq -r '.remotes[] | select(.missing == []) | .name'",
      why: 'what is set up',
    },
  ],
  async run(context) {
    const names = await remoteContext(context);
    const { listRemotes } = await context.library();
    const listing = listRemotes(names);
    await context.print('output-remote-list', listing, () => tableLines(listing.remotes, COLUMNS, context.style));
    return EXIT_CODES.done;
  },
};

const COLUMNS: readonly Column<NamedRemote>[] = [
  { title: 'NAME', cell: (row) => `${showPath(row.name)}:` },
  { title: 'FROM', cell: (row) => row.from },
  { title: 'PROVIDER', cell: (row) => row.provider ?? row.kind },
  { title: 'WHERE', cell: (row) => showPath(row.where) },
  { title: 'KEY', cell: keyText },
  { title: 'NOT SET', cell: (row) => row.missing.join(', ') },
];

function keyText({ key, keyFrom }: NamedRemote): string {
  if (keyFrom === undefined) return key;
  return key === 'set' ? `from ${keyFrom}` : `${key}: ${keyFrom}`;
}
