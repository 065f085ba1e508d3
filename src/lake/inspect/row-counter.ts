/**
 * Counts the rows of line-based text as it streams by: JSON lines and CSV. It answers for the number only and keeps
 * nothing of the text.
 */

export interface RowCounter {
  update(chunk: Uint8Array): void;
  /** Undefined where the text does not say. Call once, at the end. */
  rows(): number | undefined;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const SPACE = 0x20;
const TAB = 0x09;
/** Rows are lines with anything but white space in them; the last needs no line feed. */
export function countJsonLines(): RowCounter {
  let rows = 0;
  let isBlank = true;
  return {
    update(chunk) {
      for (let at = 0; at < chunk.length;) {
        const end = chunk.indexOf(LINE_FEED, at);
        const stop = end < 0 ? chunk.length : end;
        if (isBlank) isBlank = isBlankText(chunk, at, stop);
        if (end < 0) return;
        if (!isBlank) rows++;
        isBlank = true;
        at = end + 1;
      }
    },
    rows: () => (isBlank ? rows : rows + 1),
  };
}

function isBlankText(chunk: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = chunk[at];
    if (byte !== SPACE && byte !== TAB && byte !== CARRIAGE_RETURN) return false;
  }
  return true;
}

/**
 * Rows are records (RFC 4180) less the header line; empty lines are none. A line feed in a quoted field belongs to it;
 * a quote opens a field only at its start, so that `5" disk` opens none. A quote left open says that the count is wrong:
 * then it is undefined.
 */
export function countCsvRecords(): RowCounter {
  let records = 0;
  let state: CsvState = 'line start';
  function step(byte: number): void {
    if (byte === LINE_FEED && state !== 'line start') records++;
    state = afterByte(state, byte);
  }
  return {
    update(chunk) {
      let quote = chunk.indexOf(QUOTE);
      for (let at = 0; at < chunk.length;) {
        if (state === 'quoted') {
          const end = chunk.indexOf(QUOTE, at);
          if (end < 0) return;
          // A doubled quote closes the field and opens it again at once.
          state = 'field start';
          at = end + 1;
          continue;
        }
        if (quote >= 0 && quote < at) quote = chunk.indexOf(QUOTE, at);
        const feed = chunk.indexOf(LINE_FEED, at);
        if (feed >= 0 && (quote < 0 || feed < quote)) {
          // A line without a quote from here on: which bytes there are in it is all the same, but for CR alone.
          if (state !== 'line start' || !isOnlyReturns(chunk, at, feed)) records++;
          state = 'line start';
          at = feed + 1;
        } else {
          // Up to the quote, or to the end.
          const stop = quote < 0 ? chunk.length : quote + 1;
          while (at < stop) step(chunk[at++] ?? 0);
        }
      }
    },
    rows: () => (state === 'quoted' ? undefined : Math.max(0, (state === 'line start' ? records : records + 1) - 1)),
  };
}

function isOnlyReturns(chunk: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (chunk[at] !== CARRIAGE_RETURN) return false;
  return true;
}

type CsvState = 'line start' | 'field start' | 'field' | 'quoted';

function afterByte(state: CsvState, byte: number): CsvState {
  switch (byte) {
    case LINE_FEED:
      return 'line start';
    case CARRIAGE_RETURN:
      return state;
    case QUOTE:
      return state === 'field' ? 'field' : 'quoted';
    // Comma, semicolon, tab, bar: what files called CSV are separated by.
    case 0x2c:
    case 0x3b:
    case TAB:
    case 0x7c:
      return 'field start';
    default:
      return 'field';
  }
}
