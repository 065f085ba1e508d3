/** Rows of measurements and reviews as CSV and JSON lines, in the manner of a lake: keys, times, names, numbers, a few words. */
import { randomOf } from './random.js';

const SYLLABLES = 'ba con der el fi gra ho in ju ka lo mi nor os pra qui re sta tu ver wa xe yo za'.split(' ');
const SOURCES = ['sensor', 'web', 'import', 'partner', 'manual'];
const WORDS = wordList(4096);
const ROWS_AT_ONCE = 1024;
const SECOND_MS = 1000;
const FIRST_MS = Date.UTC(2025, 0, 1);

interface Row {
  readonly id: string;
  readonly at: string;
  readonly station: string;
  readonly source: string;
  readonly amount: number;
  readonly ratio: number;
  readonly count: number;
  readonly isFinal: boolean;
  readonly comment: string;
}

/** Whole rows, at least `bytes` of them. */
export function* textChunks(format: 'csv' | 'jsonl', seed: number, bytes: number): Generator<Buffer> {
  const nextRow = rowsOf(seed);
  let written = 0;
  if (format === 'csv') yield Buffer.from('id,at,station,source,amount,ratio,count,final,comment\n');
  while (written < bytes) {
    let text = '';
    for (let row = 0; row < ROWS_AT_ONCE && written + text.length < bytes; row += 1) {
      text += format === 'csv' ? csvLine(nextRow()) : `${JSON.stringify(nextRow())}\n`;
    }
    written += text.length;
    yield Buffer.from(text, 'latin1');
  }
}

function rowsOf(seed: number): () => Row {
  const random = randomOf(seed);
  // the third power: some words are much more frequent than others, as in any language
  const word = () => WORDS[Math.floor((random() / 2 ** 32) ** 3 * WORDS.length)]!;
  let [number, atMs] = [seed * 1_000_000, FIRST_MS + seed * 3_600 * SECOND_MS];
  return () => {
    number += 1;
    atMs += random() % (9 * SECOND_MS);
    const bits = random();
    return {
      id: `r-${number}`,
      at: new Date(atMs).toISOString(),
      station: `${WORDS[bits % 97]!} ${bits % 97}`,
      source: SOURCES[(bits >>> 8) % SOURCES.length]!,
      amount: (random() % 20_000) / 10,
      ratio: (random() % 1_000) / 1_000,
      count: (bits >>> 16) % 200,
      isFinal: bits % 7 > 0,
      comment: `${word()} ${word()} ${word()} ${word()}`,
    };
  };
}

function csvLine(row: Row): string {
  return `${row.id},${row.at},${row.station},${row.source},${row.amount},${row.ratio},${row.count},${row.isFinal},${row.comment}\n`;
}

function wordList(count: number): string[] {
  const random = randomOf(1);
  const syllable = () => SYLLABLES[random() % SYLLABLES.length]!;
  return Array.from({ length: count }, () => Array.from({ length: 1 + (random() % 4) }, syllable).join(''));
}
