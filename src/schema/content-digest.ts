/** The identity of an export's content (format 5.2): one SHA-256 over the lines that `sha256sum` prints of its files. */
import { createHash } from 'node:crypto';

export interface ContentDigest {
  /** Adds a payload file; files come in the order of their path bytes. `sha256` in lower-case hex. */
  add(lakePath: string, sha256: string): void;
  /** Adds files by their lines, as {@link sha256SumLine} makes them. */
  addLines(lines: string): void;
  /** One that goes on from here by itself. */
  copy(): ContentDigest;
  /** The digest in lower-case hex. Called once, at the end. */
  hex(): string;
}

/** Hashing line by line costs a call each; a few thousand characters at a time cost next to nothing. */
const BATCH_CHARS = 16_384;

export function createContentDigest(hash = createHash('sha256')): ContentDigest {
  let pending = '';
  function addLines(lines: string): void {
    pending += lines;
    if (pending.length >= BATCH_CHARS) flush();
  }
  function flush(): void {
    hash.update(pending);
    pending = '';
  }
  return {
    add: (lakePath, sha256) => addLines(sha256SumLine(lakePath, sha256)),
    addLines,
    copy() {
      flush();
      return createContentDigest(hash.copy());
    },
    hex: () => hash.update(pending).digest('hex'),
  };
}

/**
 * The line that GNU `sha256sum` (9.0 or later) prints of a file, with its line feed. A name with a backslash, line feed or
 * carriage return is escaped and the line begins with a backslash: without that, two different lakes could give
 * the same text.
 */
export function sha256SumLine(name: string, sha256: string): string {
  if (!/[\\\n\r]/.test(name)) return `${sha256}  ${name}\n`;
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `\\${sha256}  ${escaped}\n`;
}
