/** The payload of bundles as it stands in a lake on this disk. */
import { inspectWhole, openInspector } from '../lake/inspect/inspector.js';
import { openSourceFile, readWholeSource } from '../lake/source-file.js';
import type { PayloadSource } from './pack-frame.js';

export const LAKE_PAYLOAD: PayloadSource = {
  readWhole: readWholeSource,
  open: openSourceFile,
  inspector: ({ path, bytes }, mode) => openInspector(path, bytes, mode),
  inspect: ({ path }, content, mode) => inspectWhole(path, content, mode),
};
