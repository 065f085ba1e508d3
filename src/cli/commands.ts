/** The list of commands. A command's module is loaded when it is used, so that help and version stay quick. */
import type { CommandEntry } from './command.js';

export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ['export', 'pack'],
    summary: 'pack the partitions of a lake into bundles with manifests',
    load: async () => (await import('./commands/export/pack.js')).packCommand,
  },
  {
    path: ['export', 'push'],
    summary: 'send exports to another archive, proven before they count',
    load: async () => (await import('./commands/export/push.js')).pushCommand,
  },
  {
    path: ['import', 'pull'],
    summary: 'fetch exports as they are into another archive',
    load: async () => (await import('./commands/import/pull.js')).pullCommand,
  },
  {
    path: ['import', 'unpack'],
    summary: 'restore exports or lone bundles into a folder, every byte compared',
    load: async () => (await import('./commands/import/unpack.js')).unpackCommand,
  },
  {
    path: ['migrate'],
    summary: 'move a whole archive to another place, with a comparison at the end',
    load: async () => (await import('./commands/migrate.js')).migrateCommand,
  },
  {
    path: ['verify'],
    summary: 'check exports or lone bundles and report every fault',
    load: async () => (await import('./commands/verify.js')).verifyCommand,
  },
  {
    path: ['catalog', 'list'],
    summary: 'list the exports of an archive',
    load: async () => (await import('./commands/catalog/list.js')).catalogListCommand,
  },
  {
    path: ['catalog', 'show'],
    summary: 'show what exports say about themselves',
    load: async () => (await import('./commands/catalog/show.js')).catalogShowCommand,
  },
  {
    path: ['catalog', 'files'],
    summary: 'list the files of exports',
    load: async () => (await import('./commands/catalog/files.js')).catalogFilesCommand,
  },
  {
    path: ['lake', 'list'],
    summary: 'show the partitions of a lake and when each was last exported',
    load: async () => (await import('./commands/lake/list.js')).lakeListCommand,
  },
  {
    path: ['drill', 'run'],
    summary: 'restore exports, rebuild stores from them, compare, and leave evidence',
    load: async () => (await import('./commands/drill/run.js')).drillRunCommand,
  },
  {
    path: ['drill', 'history'],
    summary: 'list the drills of an archive, and check their evidence',
    load: async () => (await import('./commands/drill/history.js')).drillHistoryCommand,
  },
  {
    path: ['drill', 'schedule'],
    summary: 'print snippets for cron, systemd and GitHub Actions',
    load: async () => (await import('./commands/drill/schedule.js')).drillScheduleCommand,
  },
  {
    path: ['status'],
    summary: 'show when each partition was last proven to be restorable',
    load: async () => (await import('./commands/status.js')).statusCommand,
  },
  {
    path: ['rebuild'],
    summary: 'build a database from an archive, compared before it counts',
    load: async () => (await import('./commands/rebuild.js')).rebuildCommand,
  },
  {
    path: ['recipe', 'init'],
    summary: 'look at a lake and write a recipe for its tables',
    load: async () => (await import('./commands/recipe/init.js')).recipeInitCommand,
  },
  {
    path: ['remote', 'check'],
    summary: 'try what a remote can do, and say how to mend it',
    load: async () => (await import('./commands/remote/check.js')).remoteCheckCommand,
  },
  {
    path: ['remote', 'list'],
    summary: 'list the remotes that have a name',
    load: async () => (await import('./commands/remote/list.js')).remoteListCommand,
  },
  {
    path: ['remote', 'ls'],
    summary: 'list the objects of a remote',
    load: async () => (await import('./commands/remote/ls.js')).remoteLsCommand,
  },
  {
    path: ['remote', 'share'],
    summary: 'make links to an export that hold for a while',
    load: async () => (await import('./commands/remote/share.js')).remoteShareCommand,
  },
  {
    path: ['prune'],
    summary: 'remove abandoned uploads, and objects without a manifest',
    load: async () => (await import('./commands/prune.js')).pruneCommand,
  },
  {
    path: ['completion'],
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completionCommand,
  },
];

/** Words that other tools use, and what they are called here. */
export const OTHER_WORDS: Readonly<Record<string, string>> = {
  pack: 'export pack',
  backup: 'export pack',
  create: 'export pack',
  push: 'export push',
  upload: 'export push',
  sync: 'export push',
  pull: 'import pull',
  download: 'import pull',
  fetch: 'import pull',
  transfer: 'export push',
  mirror: 'migrate',
  move: 'migrate',
  unpack: 'import unpack',
  restore: 'import unpack',
  extract: 'import unpack',
  check: 'verify',
  list: 'catalog list',
  ls: 'catalog list',
  snapshots: 'catalog list',
  show: 'catalog show',
  files: 'catalog files',
  doctor: 'remote check',
  share: 'remote share',
  link: 'remote share',
  remotes: 'remote list',
  listremotes: 'remote list',
  test: 'drill run',
  rehearse: 'drill run',
  stats: 'status',
  cron: 'drill schedule',
  load: 'rebuild',
  clean: 'prune',
  cleanup: 'prune',
  gc: 'prune',
};
