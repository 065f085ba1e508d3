/** The numbers of format version 1 and the bounds on what is read. `docs/format.md` states each with its reason. */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** format 4.2: a frame holds at most this many bytes of tar. */
export const FRAME_MAX_TAR_BYTES = 4 * MIB;
/** format 4.2: a frame is cut at an entry boundary once it holds this many; an entry at least this large starts its own. */
export const FRAME_CUT_TAR_BYTES = 1 * MIB;
/** format 4.3: no frame asks a decoder for a larger window. */
export const ZSTD_MAX_WINDOW_BYTES = 8 * MIB;
/** format 5.3: stored bytes are hashed in blocks of this size, or a multiple of it. */
export const BLOCK_BYTES = 16 * MIB;
/** format 5.3: S3 multipart takes no more parts. */
export const MAX_BLOCKS = 10_000;
/** format 5.4: more file entries than this go into a file of their own. */
export const MAX_INLINE_FILES = 2_000;

export const DEFAULT_BUNDLE_PAYLOAD_BYTES = 4 * GIB;
/** Cloudflare caches objects up to 512 MB, and the profile promises 500 MB (format 4.8). */
export const CDN_BUNDLE_PAYLOAD_BYTES = 464 * MIB;
export const DEFAULT_LEVEL = 3;

/** A manifest object larger than this is refused before it is parsed. */
export const MAX_MANIFEST_BYTES = 64 * MIB;
/** One line of a files index or of `files.jsonl`. */
export const MAX_LINE_BYTES = 4 * MIB;
/** POSIX NAME_MAX on every disk we know of. */
export const MAX_NAME_BYTES = 255;
/** PATH_MAX on Linux, less the terminating NUL and room for a target folder. */
export const MAX_PATH_BYTES = 3_840;
