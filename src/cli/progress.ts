/**
 * Shows progress on stderr: a bar on a terminal, now and then a line elsewhere, nothing when told to be silent.
 * The one door to cli-progress.
 */
import { performance } from 'node:perf_hooks';
import { ignoreProgress, type ProgressEvent, type ProgressListener } from '../base/progress.js';
import type { CliStream } from './io.js';
import { outputOf } from './output.js';
import { ProgressMeter } from './progress-meter.js';
import { safeText } from './safe-text.js';

const REDRAWS_PER_SECOND = 10;
const BAR_CHARS = 20;
const BAR_FROM_COLUMNS = 100;
const LINE_EVERY_MS = 3_000;

export interface Progress {
  readonly listener: ProgressListener;
  /** Takes the display away. */
  stop(): void;
}

export interface ProgressSettings {
  readonly silent: boolean;
  /** A line for every item, where lines are shown. */
  readonly verbose: boolean;
  readonly now?: () => number;
}

export async function startProgress(verb: string, stream: CliStream, settings: ProgressSettings): Promise<Progress> {
  if (settings.silent) return { listener: ignoreProgress, stop: ignoreProgress };
  const now = settings.now ?? (() => performance.now());
  return stream.isTTY === true ? barProgress(verb, stream, now) : lineProgress(verb, stream, settings.verbose, now);
}

async function barProgress(verb: string, stream: CliStream, now: () => number): Promise<Progress> {
  const { SingleBar } = await import('cli-progress');
  const meter = new ProgressMeter(now);
  const bar = new SingleBar({
    stream,
    fps: REDRAWS_PER_SECOND,
    clearOnComplete: true,
    // A killed process could not switch these back, so the terminal is left as it is.
    hideCursor: null,
    linewrap: true,
    format: (_options, parameters) => barLine(verb, meter, parameters.maxWidth),
  });
  bar.start(1, 0);
  // cli-progress redraws on its own timer, so an event costs a few additions and no drawing.
  return { listener: (event) => meter.take(event), stop: () => bar.stop() };
}

/** On a narrow terminal the facts have no bar before them: they matter more. */
function barLine(verb: string, meter: ProgressMeter, columns: number): string {
  const hasBar = meter.totalBytes !== undefined && columns >= BAR_FROM_COLUMNS;
  const bar = hasBar ? `[${barText(meter.bytes / Math.max(1, meter.totalBytes))}] ` : '';
  return `${verb} ${bar}${meter.shortFacts()}  ${meter.subject(verb)}`.slice(0, columns - 1);
}

function barText(share: number): string {
  const filled = Math.round(Math.min(1, share) * BAR_CHARS);
  return '#'.repeat(filled) + '-'.repeat(BAR_CHARS - filled);
}

function lineProgress(verb: string, stream: CliStream, verbose: boolean, now: () => number): Progress {
  const out = outputOf(stream);
  const meter = new ProgressMeter(now);
  let lastLineMs = Number.NEGATIVE_INFINITY;
  let lastPhase = '';
  const line = (text: string): void => {
    lastLineMs = now();
    void out.write(`${verb}: ${text}\n`);
  };
  const listener = (event: ProgressEvent): void => {
    const phaseBefore = lastPhase;
    meter.take(event);
    lastPhase = meter.phase;
    if (verbose && event.type === 'item') line(itemText(event));
    else if (event.type === 'phase' && phaseBefore === '') line(meter.subject(verb) || 'started');
    else if (now() - lastLineMs >= LINE_EVERY_MS) line([meter.subject(verb), meter.facts()].filter(Boolean).join(': '));
  };
  return { listener, stop: ignoreProgress };
}

function itemText(event: Extract<ProgressEvent, { type: 'item' }>): string {
  return safeText([event.name, event.status, event.detail].filter((part) => part !== undefined).join(' '));
}
