/** Where the time of a drill went: a bar for each step on one axis of time, as inline SVG beside words. */
import type { DrillRecord, DrillStep } from '../schema/drill-record.js';
import { html, type Markup, NOTHING } from './report-html-markup.js';
import { bytesText, countedText, durationText } from './report-words.js';

const WIDTH = 1_000;
/** A step that took next to nothing is still seen. */
const LEAST_WIDTH = 4;

/** Of these the recovery time consists; on a bad day nobody would compare, or clear up. */
const RECOVERY: ReadonlySet<DrillStep['name']> = new Set(['pull', 'verify', 'unpack', 'rebuild']);

export function timeChart(record: DrillRecord): Markup {
  const steps = record.steps.filter((step) => step.outcome !== 'skipped');
  const [first] = steps;
  if (first === undefined) return NOTHING;
  const beginMs = Date.parse(first.startedAt);
  const endMs = Math.max(...steps.map((step) => Date.parse(step.startedAt) + step.elapsedMs));
  const scale = WIDTH / Math.max(1, endMs - beginMs);
  return html`<section aria-labelledby="time">
    <h2 id="time">Recovery time by step</h2>
    <p class="note">
      <span class="key" aria-hidden="true"></span> counts for the recovery
      time${record.outcome === 'inconclusive' ? '' : ` of ${durationText(record.rtoMs)}`};
      <span class="key apart" aria-hidden="true"></span> is what a drill does beside it.
    </p>
    <div class="chart" role="list">
      ${steps.map((step) => row(step, (Date.parse(step.startedAt) - beginMs) * scale, step.elapsedMs * scale))}
    </div>
  </section>`;
}

function row(step: DrillStep, at: number, width: number): Markup {
  const wide = Math.max(LEAST_WIDTH, Math.min(WIDTH, width));
  const left = Math.max(0, Math.min(at, WIDTH - wide));
  const worked = workedOn(step);
  return html`<div class="row" role="listitem">
    <span class="what">${step.name}${step.store === undefined ? '' : ` ${step.store}`}${mark(step)}</span>
    <svg viewBox="0 0 ${WIDTH} 14" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="${WIDTH}" height="14" />
      <rect class="bar ${toneOf(step)}" x="${round(left)}" width="${round(wide)}" height="14" />
    </svg>
    <span class="time"
      >${durationText(step.elapsedMs)}${worked === '' ? NOTHING : html` <small>${worked}</small>`}</span
    >
  </div> `;
}

function mark({ outcome }: DrillStep): string {
  if (outcome === 'fail') return ' ✗ failed';
  return outcome === 'inconclusive' ? ' ? not finished' : '';
}

function toneOf({ name, outcome }: DrillStep): string {
  if (outcome === 'fail' || outcome === 'inconclusive') return outcome;
  return RECOVERY.has(name) ? 'recovery' : 'apart';
}

function workedOn({ bytes, files, rows }: DrillStep): string {
  if (rows !== undefined) return countedText(rows, 'row');
  if (bytes !== undefined) return bytesText(bytes);
  return files === undefined ? '' : countedText(files, 'file');
}

function round(units: number): string {
  return units.toFixed(1);
}
