/** The list of commands. A command's module is loaded when it is used, so that help and version stay quick. */
import type { CommandEntry } from './command.js';

export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ['export', 'pack'],
    summary: 'pack the partitions of a lake into bundles with manifests',
    load: async () => (await import('./commands/export/pack.js')).packCommand,
  },
  {
    path: ['import', 'unpack'],
    summary: 'restore exports or lone bundles into a folder, every byte compared',
    load: async () => (await import('./commands/import/unpack.js')).unpackCommand,
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
  unpack: 'import unpack',
  restore: 'import unpack',
  extract: 'import unpack',
  check: 'verify',
  list: 'catalog list',
  ls: 'catalog list',
  snapshots: 'catalog list',
  show: 'catalog show',
  files: 'catalog files',
};
