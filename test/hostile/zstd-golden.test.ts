/**
 * A bundle with a frame of facebook/zstd's golden files in place of its own: the decoder takes three of the damaged ones
 * without a word (docs/decisions/0002-zstd-golden.md), so what refuses them is the SHA-256 of files and bundle.
 */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ArchiveFiles } from '../../fixtures/make-bundles/archive-files.js';
import { sha256Of } from '../../fixtures/make-lake/formats.js';
import { decompressFrame } from '../../src/codec/zstd.js';
import * as library from '../../src/index.js';
import { framesOf, joinFrames } from '../bundle/forge.js';
import { runCli } from '../cli/run-cli.js';
import { hasMaterial, reasonWithout, scratchFolder, treeOf, unpackMaterial } from './material.js';

const GOLDEN = [
  'golden-decompression/block-128k.zst',
  'golden-decompression/empty-block.zst',
  'golden-decompression/rle-first-block.zst',
  'golden-decompression/zeroSeq_2B.zst',
  'golden-decompression-errors/off0.bin.zst',
  'golden-decompression-errors/truncated_huff_state.zst',
  'golden-decompression-errors/zeroSeq_extraneous.zst',
];
const good = path.resolve(import.meta.dirname, '../../fixtures/bundles/good/raw-frame');
/** Tag files; the first part of a large file; its raw rest; tag files again. */
const FRAMES = [0, 1, 2, 4];

describe.skipIf(!hasMaterial('zstd-golden'))(`zstd golden frames${reasonWithout('zstd-golden')}`, () => {
  let folder = '';
  let scratch = '';

  beforeAll(() => {
    folder = path.join(unpackMaterial('zstd-golden'), 'facebook', 'tests');
    scratch = scratchFolder();
  });

  test('are all known', () => {
    const found = ['golden-decompression', 'golden-decompression-errors'].flatMap((part) =>
      fs.readdirSync(path.join(folder, part)).map((name) => `${part}/${name}`),
    );
    expect(found.filter((name) => name.endsWith('.zst')).sort()).toEqual([...GOLDEN].sort());
  });

  const { files } = JSON.parse(fs.readFileSync(path.join(good, 'expected.json'), 'utf8')) as {
    files: { sha256: string }[];
  };
  const expected = files.map((file) => file.sha256).sort();

  test.each(GOLDEN)('%s in a bundle is refused, in an archive and by itself', async (name) => {
    const golden = fs.readFileSync(path.join(folder, name));
    for (const index of FRAMES) {
      const place = fs.mkdtempSync(path.join(scratch, 'archive-'));
      const archive = await ArchiveFiles.read(good);
      archive.set(archive.bundleKey(), await withFrame(archive.bundle(), index, golden));
      write(archive, path.join(place, 'archive'));
      const before = treeOf(place);
      const into = path.join(place, 'restored');
      for (const words of [
        ['verify', '--archive', path.join(place, 'archive')],
        ['verify', path.join(place, 'archive', archive.bundleKey())],
        ['import', 'unpack', '--all', '--from', path.join(place, 'archive'), '--into', into],
        ['import', 'unpack', path.join(place, 'archive', archive.bundleKey()), '--into', into],
      ]) {
        const { code, stdout, stderr } = await runCli(words, library);
        const what = { index, words: words.slice(0, 3), code, stderr };
        expect(`${stdout}${stderr}`).not.toMatch(/^\s+at /m);
        if (code === 0) {
          // A restore of an export reads the frames that hold its files; with its places right, all files are.
          expect(what).toMatchObject({ index: expect.toSatisfy(holdsTagsOnly), words: ['import', 'unpack', '--all'] });
          expect(sumsOf(into)).toEqual(expected);
          fs.rmSync(into, { recursive: true });
        } else expect(what).toMatchObject({ code: 3 });
        expect(treeOf(place), 'something was left').toEqual(before);
      }
    }
  });
});

function holdsTagsOnly(index: number): boolean {
  return index === 0 || index === 4;
}

function sumsOf(folder: string): string[] {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return files.map((item) => sha256Of(fs.readFileSync(path.join(item.parentPath, item.name)))).sort();
}

/** The bundle with another frame in one place, and a seek table that is true of it where the frame can be decoded. */
async function withFrame(bundle: Buffer, index: number, stored: Buffer): Promise<Buffer> {
  const frames: { stored: Buffer; content: Buffer }[] = await framesOf(bundle);
  const own = frames[index]!.content;
  const content = await decompressFrame(stored, own.length).catch(() => own);
  return joinFrames(frames.with(index, { stored, content }));
}

function write(archive: ArchiveFiles, folder: string): void {
  for (const [key, bytes] of archive.objects) {
    fs.mkdirSync(path.dirname(path.join(folder, key)), { recursive: true });
    fs.writeFileSync(path.join(folder, key), bytes);
  }
}
