/** The jobs of a restore, by name. */
import { keepFiles } from './restore-frame-keep.js';
import { syncFolders } from './restore-frame-folders.js';
import { restoreFrame } from './restore-frame.js';
import { abandonFile, restorePiece } from './restore-frame-piece.js';

export const RESTORE_JOBS = { restoreFrame, restorePiece, abandonFile, keepFiles, syncFolders } as const;
