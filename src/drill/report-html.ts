/**
 * One HTML page about one drill, for people who were not there: the verdict in words first, then time, what was
 * compared, what differs, and where the evidence is. It stands alone: no script, nothing from elsewhere, and all that
 * came from data is escaped.
 */
import { sha256Of } from '../base/sha256.js';
import type { DrillOutcome, DrillReason, DrillRecord } from '../schema/drill-record.js';
import type { DrillReport } from './contract.js';
import { evidenceBytes } from './evidence.js';
import { timeChart } from './report-html-chart.js';
import { html, Markup, NOTHING } from './report-html-markup.js';
import { REPORT_STYLE } from './report-html-style.js';
import { assertionsSection, comparedSection, differencesSection, exportsSection } from './report-html-tables.js';
import { bytesText, countedText, countText, durationText, summaryOf, timeText, VERDICTS } from './report-words.js';

/** The page, UTF-8. It holds what the record holds and no secret. */
export function drillHtml({ record, evidenceKey, evidenceIn }: DrillReport): string {
  const stored = evidenceKey === undefined ? undefined : { key: evidenceKey, archive: evidenceIn ?? record.archive };
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="referrer" content="no-referrer" />
        <title>${VERDICTS[record.outcome]}: restore drill ${record.drillId}</title>
        <style>
          ${new Markup(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <main>
          <p class="kicker">Restore drill of <strong>${record.archive}</strong>, ${timeText(record.startedAt)}</p>
          ${verdict(record)} ${facts(record)} ${reasons(record)} ${timeChart(record)} ${comparedSection(record)}
          ${differencesSection(record)} ${assertionsSection(record)} ${exportsSection(record)}
          ${evidence(record, stored)}
        </main>
        <footer class="foot">
          <p>
            A drill shows that these exports could be restored on this day, with the code that would be used on a bad
            one. Digests of rows protect against accidents and faults; against somebody who chooses rows the SHA-256s in
            the manifests do. Made by ${record.tool.name} ${record.tool.version} on Node ${record.tool.node}.
          </p>
        </footer>
      </body>
    </html> `;
  return page.text;
}

const SIGNS: Readonly<Record<DrillOutcome, string>> = { pass: '✓', fail: '✗', inconclusive: '?' };

function verdict(record: DrillRecord): Markup {
  const { outcome } = record;
  return html`<div class="verdict ${outcome}">
    <h1><span aria-hidden="true">${SIGNS[outcome]}</span> ${VERDICTS[outcome]}</h1>
    <p>${summaryOf(record)}</p>
  </div>`;
}

function facts({ outcome, rtoMs, rpoMs, exports, exportsLeft, totals, elapsedMs }: DrillRecord): Markup {
  const proven = exports.filter((one) => one.proven).length;
  const left = exportsLeft === 0 ? '' : `${countText(exportsLeft)} more left for another time`;
  return html`<dl class="facts">
    ${outcome === 'inconclusive' ? fact('Recovery time', '–', 'not known: the drill was not finished') : fact('Recovery time', durationText(rtoMs), 'from the first byte asked for to the last store built')}
    ${fact('Recovery point', rpoMs === undefined ? '–' : durationText(rpoMs), 'age of the newest export')}
    ${fact('Exports proven', `${countText(proven)} of ${countText(exports.length)}`, left)}
    ${fact('Restored', bytesText(totals.bytes), `${countedText(totals.files, 'file')}, pulled as ${bytesText(totals.storedBytes)}`)}
    ${fact('Rows rebuilt', countText(totals.rows), 'in all stores together')}
    ${fact('Whole drill', durationText(elapsedMs), 'with comparing and clearing up')}
  </dl>`;
}

function fact(name: string, value: string, note: string): Markup {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}${note === '' ? NOTHING : html`<small>${note}</small>`}</dd>
  </div>`;
}

function reasons({ outcome, reasons: all }: DrillRecord): Markup {
  if (all.length === 0) return NOTHING;
  const title = outcome === 'fail' ? 'Why it failed' : 'Why it could not be finished';
  return html`<section class="${outcome}" aria-labelledby="why">
    <h2 id="why">${outcome === 'pass' ? 'What was said' : title}</h2>
    <ol class="reasons">
      ${all.map(oneReason)}
    </ol>
  </section>`;
}

function oneReason({ code, step, message, where, hint }: DrillReason): Markup {
  return html`<li>
    <p>${message}</p>
    <p class="about"><code>${code}</code> in step ${step}${where === undefined ? '' : `, at ${where}`}</p>
    ${hint === undefined ? NOTHING : html`<p class="hint">What to do: ${hint}</p>`}
  </li> `;
}

function evidence(record: DrillRecord, stored: { readonly key: string; readonly archive: string } | undefined): Markup {
  const { previous, plan, recipe, kept } = record;
  const place = stored === undefined ? 'not in an archive' : html`<code>${stored.key}</code> in ${stored.archive}`;
  const before =
    previous === null
      ? 'none: it is the first'
      : html`<code>${previous.drillId}</code>, SHA-256 <code>${previous.sha256}</code>`;
  return html`<section aria-labelledby="evidence">
    <h2 id="evidence">Evidence</h2>
    <p class="note">
      The record this page was made from names the one before it by its SHA-256: one that is changed or taken away later
      is noticed by <code>lakepack drill history</code>.
    </p>
    <dl class="chain">
      <dt>Drill</dt>
      <dd><code>${record.drillId}</code></dd>
      <dt>Record</dt>
      <dd>${place}</dd>
      <dt>SHA-256 of the record</dt>
      <dd><code>${sha256Of(evidenceBytes(record))}</code></dd>
      <dt>Record before it</dt>
      <dd>${before}</dd>
      <dt>Exports picked</dt>
      <dd>
        ${plan.pick}${plan.name === undefined ? '' : `, plan ${plan.name}`}${plan.seed === undefined ? '' : `, seed ${plan.seed}`}
      </dd>
      <dt>Recipe</dt>
      <dd>
        ${recipe === undefined ? 'none: files only' : html`${recipe.from === 'packed' ? 'packed with the exports' : 'given'}, SHA-256 <code>${recipe.sha256}</code>`}
      </dd>
      <dt>Began, ended</dt>
      <dd>${timeText(record.startedAt)}, ${timeText(record.finishedAt)}</dd>
      ${
        kept === undefined
          ? NOTHING
          : html`<dt>Kept for a look</dt>
              <dd>
                <code>${kept.scratch}</code>${kept.stores.length === 0 ? '' : `, stores ${kept.stores.join(', ')}`}
              </dd>`
      }
    </dl>
  </section>`;
}
