/** Writes the made data sets: the same bytes for the same arguments, in few calls, since some of them have a million files. */
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { runUntimed } from '../measure.js';
import { mapBytes, noise, permutationOf, randomOf } from './random.js';
import { textChunks } from './text.js';

const MIB = 2 ** 20;
const FILES_IN_FOLDER = 1_000;
const DAY_MS = 86_400_000;
const TEXT_FILE_BYTES = 16 * MIB;
const SLAB_BYTES = 32 * MIB;
/** Smaller Parquet files are mostly footer; they are in lake-real, this set is about bulk. */
const LEAST_PARQUET_BYTES = 64 * 1024;

/** One JSON document of 100 to 300 bytes in each file. */
export function writeTinyFiles(lake: string, count: number): void {
  const random = randomOf(count);
  writeNumbered(lake, 'bronze/events', 'json', count, (number) => {
    const values = Array.from({ length: 4 + (random() % 16) }, () => random() / 1000);
    return Buffer.from(JSON.stringify({ id: number, station: random() % 97, kind: 'event', final: true, values }));
  });
}

/** As collectors leave them: 2 to 14 kB of JSON, gzipped each on its own. */
export function writeJsonGz(lake: string, count: number): void {
  const random = randomOf(count);
  writeNumbered(lake, 'bronze/pages', 'json.gz', count, (number) => {
    const rows = [...textChunks('jsonl', number, 2_000 + (random() % 12_000))].join('').trim().split('\n');
    return gzipSync(`[${rows.join(',')}]`);
  });
}

/** Each file is a partition of its own. */
export function writePartitions(lake: string, count: number): void {
  for (let number = 0; number < count; number += 1) {
    const file = path.join(lake, 'gold/scores', `part=${String(number).padStart(5, '0')}`, 'scores.csv');
    writeWhole(file, textChunks('csv', number, 10 * 1024));
  }
}

/** CSV and JSON lines by turns. */
export function writeText(lake: string, bytes: number): void {
  const fileBytes = Math.min(TEXT_FILE_BYTES, bytes);
  for (let [number, left] = [0, bytes]; left > 0; number += 1, left -= fileBytes) {
    const format = number % 2 === 0 ? 'csv' : 'jsonl';
    const file = path.join(lake, 'silver/readings', `dt=${dayOf(number)}`, `part-0.${format}`);
    writeWhole(file, textChunks(format, number, Math.min(fileBytes, left)));
  }
}

/** Of each 32 MiB half is text and half is noise. No two of them share anything, since each has its own permutation of byte values. */
export function writeOneFile(lake: string, bytes: number): void {
  const random = randomOf(bytes);
  const slabBytes = Math.min(SLAB_BYTES, bytes);
  const text = Buffer.concat([...textChunks('csv', 1, slabBytes / 2)]);
  const slab = Buffer.concat([text, noise(random, slabBytes)]).subarray(0, slabBytes);
  writeWhole(
    path.join(lake, 'gold/images/dt=2025-01-01/disk.img'),
    (function* () {
      for (let left = bytes; left > 0; left -= slabBytes) {
        yield mapBytes(slab, permutationOf(random)).subarray(0, left);
      }
    })(),
  );
}

/**
 * The larger Parquet files of lake-real (70 of its 100 MB are embeddings) over and over until there are so many bytes.
 * Magic and footer of each stay, so that it is still looked into as Parquet; the pages between them go through another
 * permutation of byte values in each copy. A compressor then finds in every copy what it finds in the first, and nothing
 * of one copy in another, however large its window.
 */
export async function writeParquet(lake: string, bytes: number, lakeReal: string): Promise<void> {
  const source = path.join(lake, 'source');
  mkdirSync(source, { recursive: true });
  await runUntimed({ argv: ['tar', '--zstd', '-xf', lakeReal, '-C', source, '--wildcards', '*.parquet'] });
  const originals = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .toSorted()
    .map((name) => ({ name, content: readFileSync(path.join(source, name)) }))
    .filter(({ content }) => content.length >= LEAST_PARQUET_BYTES);
  rmSync(source, { recursive: true });
  let [total, before] = [0, -1];
  for (let copy = 0; total > before; copy += 1) {
    before = total;
    const table = permutationOf(randomOf(copy));
    for (const { name, content } of originals) {
      if (total + content.length > bytes) continue;
      total += content.length;
      const [layer = '', dataset = '', ...rest] = name.split('/');
      writeWhole(path.join(lake, layer, `${dataset}-${copy}`, ...rest), [
        copy === 0 ? content : mapPages(content, table),
      ]);
    }
  }
}

/** Parquet ends with the footer, its length in four bytes, and the magic, with which it also begins. */
function mapPages(content: Buffer, table: Uint8Array): Buffer {
  const footerAt = content.length - 8 - content.readUInt32LE(content.length - 8);
  return Buffer.concat([
    content.subarray(0, 4),
    mapBytes(content.subarray(4, footerAt), table),
    content.subarray(footerAt),
  ]);
}

function writeNumbered(
  lake: string,
  dataset: string,
  extension: string,
  count: number,
  contentOf: (number: number) => Buffer,
): void {
  let folder = '';
  for (let number = 0; number < count; number += 1) {
    if (number % FILES_IN_FOLDER === 0) {
      folder = path.join(lake, dataset, `dt=${dayOf(number / FILES_IN_FOLDER)}`);
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(`${folder}/${number}.${extension}`, contentOf(number));
  }
}

function writeWhole(file: string, chunks: Iterable<Buffer>): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const descriptor = openSync(file, 'wx');
  try {
    for (const chunk of chunks) {
      for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
    }
  } finally {
    closeSync(descriptor);
  }
}

function dayOf(number: number): string {
  return new Date(Date.UTC(2020, 0, 1) + number * DAY_MS).toISOString().slice(0, 10);
}
