/**
 * What the demo puts on the screen: headings, sentences, commands and their output. Colours only on a terminal,
 * and not when NO_COLOR is set.
 */
import process from 'node:process';

const WIDTH = 88;
const MOST_OUTPUT_LINES = 40;

export class Screen {
  #stream;
  #coloured;
  #outputLines = 0;
  #mostOutputLines = MOST_OUTPUT_LINES;

  constructor(stream) {
    this.#stream = stream;
    this.#coloured = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  }

  banner(text) {
    this.#line(this.#style('1', text));
    this.#line(this.#style('2', '='.repeat(text.length)));
  }

  heading(text) {
    this.#line();
    this.#line(this.#style('1;36', `── ${text} ${'─'.repeat(Math.max(3, WIDTH - text.length - 4))}`));
  }

  /** Sentences, wrapped to the width of a page. */
  text(text) {
    this.#line();
    for (const line of wrap(text, WIDTH)) this.#line(line);
  }

  note(text) {
    this.#line(this.#style('2', text));
  }

  /** One line of a list, never wrapped. */
  item(text) {
    this.#line(`  ${text}`);
  }

  /** Announces a command; of its output, `mostLines` lines are shown. */
  command(text, mostLines = MOST_OUTPUT_LINES) {
    this.#outputLines = 0;
    this.#mostOutputLines = mostLines;
    this.#line();
    const [first, ...rest] = text.split('\n');
    this.#line(`  ${this.#style('1;33', `$ ${first}`)}`);
    for (const line of rest) this.#line(`    ${this.#style('1;33', line)}`);
  }

  /** A line that a command printed, as it is; a very long output is cut, and that is said. */
  output(text) {
    this.#outputLines += 1;
    if (this.#outputLines <= this.#mostOutputLines) this.#line(`  ${text}`);
  }

  endOfOutput(status, seconds) {
    const more = this.#outputLines - this.#mostOutputLines;
    if (more > 0) this.#line(this.#style('2', `  … ${more} more lines, not shown here`));
    if (this.#outputLines === 0) this.#line(this.#style('2', '  (prints nothing)'));
    this.#line(this.#style('2', `  (exit code ${status}, ${seconds.toFixed(1)} s)`));
  }

  row(left, right) {
    const [first, ...rest] = wrap(right, WIDTH - left.length - 2);
    this.#line(`${this.#style('2', left)}  ${first}`);
    for (const line of rest) this.#line(`${' '.repeat(left.length + 2)}${line}`);
  }

  failure(text) {
    this.#line();
    this.#line(this.#style('1;31', `The demo stopped: ${text}`));
  }

  #style(code, text) {
    return this.#coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #line(text = '') {
    this.#stream.write(`${text}\n`);
  }
}

function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`;
    if (longer.length > width && lines.at(-1) !== '') lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
