/** The text of `RESTORE.md` in every bundle (format 4.1): how to get the data back with stock tools alone. */
import { EMBEDDED_SHA256SUMS, PAYLOAD_MANIFEST } from './bag.js';

export interface RestoreTextFacts {
  readonly bag: string;
  readonly partitionPath: string;
  /** True where a path makes the BagIt manifest unreadable for `sha256sum` (format 4.5). */
  readonly hasSha256sums: boolean;
  /** False for a bundle of empty folders alone, whose checksum file `sha256sum` would call malformed. */
  readonly hasFiles: boolean;
}

export function restoreText(facts: RestoreTextFacts): string {
  const sums = facts.hasSha256sums ? EMBEDDED_SHA256SUMS : PAYLOAD_MANIFEST;
  return `# How to restore this bundle without lakepack

This is a BagIt bag (RFC 8493) in a tar archive, compressed with Zstandard. It holds a part of
${JSON.stringify(facts.partitionPath)} of a data lake. You need \`tar\`, \`zstd\` and \`sha256sum\`, nothing else.

1. Unpack. BUNDLE is the file that ends in \`.tar.zst\`:

       zstd -dc BUNDLE | tar -xf -

   GNU tar, bsdtar and busybox tar all read it. (bsdtar wants a UTF-8 locale for names that are not ASCII:
   \`LC_ALL=C.UTF-8\`.)

2. ${
    facts.hasFiles
      ? `Compare every file with its checksum:

       cd ${facts.bag} && sha256sum -c ${sums}`
      : `This bundle holds empty folders and no file: there is nothing to compare. Step 3 starts in

       cd ${facts.bag}`
  }

3. Put the data back. Everything below \`data/\` stands where it stood in the lake:

       cp -a data/. /path/to/lake/

If the name of BUNDLE ends in \`.tar.zst.age\`, it is encrypted: \`age -d -i KEY BUNDLE | zstd -dc | tar -xf -\`.
An export may have several bundles (\`-00001\`, \`-00002\` …): restore each, in any order. \`SHA256SUMS\` beside
the bundles lists the checksums of the bundle files: \`sha256sum -c SHA256SUMS\`.

\`${PAYLOAD_MANIFEST}\` and \`tagmanifest-sha256.txt\` are the checksums of the bag, \`bag-info.txt\` says what it
is, \`lakepack/files.jsonl\` describes each file (size, time, rows, columns), one JSON object a line.
${facts.hasSha256sums ? `\nSome names here contain a percent sign or a line break. BagIt writes those escaped in\n\`${PAYLOAD_MANIFEST}\`; \`${EMBEDDED_SHA256SUMS}\` says the same as \`sha256sum\` reads it.\n` : ''}`;
}
