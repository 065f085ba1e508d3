/** The tables of the HTML report: what was compared, what differs, the plan's own questions, the exports. */
import type {
  DrilledAssertion,
  DrilledExport,
  DrilledStore,
  DrilledTable,
  DrillOutcome,
  DrillRecord,
  FingerprintLevel,
  TableDifference,
} from '../schema/drill-record.js';
import { html, type Markup, NOTHING } from './report-html-markup.js';
import {
  bytesText,
  countedText,
  countText,
  DIFFERENCE_NAMES,
  LEVEL_NAMES,
  LEVELS,
  leftText,
  timeText,
} from './report-words.js';

/** A page with thousands of rows is read by nobody; the record has them all. */
const EXPORTS_SHOWN = 200;

export function comparedSection({ stores, totals }: DrillRecord): Markup {
  if (stores.length === 0) {
    const what =
      totals.files === 0
        ? 'Nothing: the drill did not come that far.'
        : 'The files: every byte of every restored file, with the SHA-256 in the manifests. No derived store was rebuilt.';
    return html`<section aria-labelledby="compared">
      <h2 id="compared">What was compared</h2>
      <p class="note">${what}</p>
    </section>`;
  }
  return html`<section aria-labelledby="compared">
    <h2 id="compared">What was compared</h2>
    <p class="note">
      Each store was built from the restored files and read back. What was read is compared with what the exports said
      when they were packed, or where they say nothing, with the restored files.
    </p>
    ${stores.map(storeTable)}
  </section>`;
}

function storeTable(store: DrilledStore): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Tables of store ${store.name}">
      <table>
        <caption>
          <strong>${store.name}</strong>
          (${store.engine}): ${outcomeMark(store.outcome)}
        </caption>
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col" class="number">Rows</th>
            <th scope="col">Expected from</th>
            ${LEVELS.map((level) => html`<th scope="col">${capital(LEVEL_NAMES[level])}</th>`)}
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          ${
            store.tables.length === 0
              ? html`<tr>
                  <td colspan="9">No table of it was compared.</td>
                </tr>`
              : store.tables.map(tableRow)
          }
        </tbody>
      </table>
    </div>
    <br />`;
}

function tableRow(table: DrilledTable): Markup {
  const { expectedFrom, expectedFromFilesBecause: because } = table;
  return html`<tr>
    <th scope="row">${table.name}</th>
    <td class="number">${countText(table.rows)}</td>
    <td>
      ${expectedFrom === 'manifest' ? 'the exports' : 'the files'}${because === undefined ? NOTHING : html`<small>${because}</small>`}
    </td>
    ${LEVELS.map((level) => html`<td>${levelMark(table, level)}</td>`)}
    <td>${outcomeMark(table.outcome)}</td>
  </tr> `;
}

function levelMark({ levels, recallAt10 }: DrilledTable, level: FingerprintLevel): Markup {
  const state = levels[level];
  const recall =
    level === 'L4' && recallAt10 !== undefined ? html`<small>recall@10 ${recallAt10.toFixed(3)}</small>` : NOTHING;
  if (state === 'equal') return html`<span class="mark pass">✓ equal</span>${recall}`;
  if (state === 'differs') return html`<span class="mark fail">✗ differs</span>${recall}`;
  return html`<span class="none"><span aria-hidden="true">–</span><span class="away">not compared</span></span>`;
}

export function differencesSection({ stores }: DrillRecord): Markup {
  const tables = stores.flatMap((store) => store.tables.map((table) => ({ store, table })));
  const differing = tables.filter(({ table }) => table.differences.length + table.differencesOmitted > 0);
  if (differing.length === 0) return NOTHING;
  return html`<section aria-labelledby="differences">
    <h2 id="differences">What differs</h2>
    ${differing.map(({ store, table }) => differencesOf(store, table))}
  </section>`;
}

function differencesOf(store: DrilledStore, { name, differences, differencesOmitted }: DrilledTable): Markup {
  const more =
    differencesOmitted === 0 ? '' : ` ${countedText(differencesOmitted, 'more difference')} found and not listed.`;
  return html`<h3>${name} in ${store.name}</h3>
    <p class="note">${countedText(differences.length, 'difference')} listed.${more}</p>
    ${scrolling(`Differences of ${name} in ${store.name}`, ['What', 'Column', 'Row', 'Expected', 'Found'], differences.map(differenceRow))}`;
}

function differenceRow({ level, reason, column, key, expected, found }: TableDifference): Markup {
  return html`<tr>
    <td>
      ${capital(DIFFERENCE_NAMES[reason])}<small><code>${reason}</code>, ${level}</small>
    </td>
    <td>${column ?? '–'}</td>
    <td class="value mono">${key ?? '–'}</td>
    <td class="value mono">${expected}</td>
    <td class="value mono">${found}</td>
  </tr> `;
}

export function assertionsSection({ assertions }: DrillRecord): Markup {
  if (assertions.length === 0) return NOTHING;
  return html`<section aria-labelledby="assertions">
    <h2 id="assertions">The plan’s own questions</h2>
    ${scrolling('Questions of the plan', ['Question', 'Store', 'Expected', 'Found', 'Outcome'], assertions.map(assertionRow))}
  </section>`;
}

function assertionRow({ name, store, sql, expected, found, outcome }: DrilledAssertion): Markup {
  return html`<tr>
    <th scope="row" class="path">
      ${name}<small><code>${sql}</code></small>
    </th>
    <td>${store}</td>
    <td class="mono">${expected}</td>
    <td class="mono">${found}</td>
    <td>${outcomeMark(outcome)}</td>
  </tr> `;
}

/** Those that are not proven come first: they are what somebody must see. */
export function exportsSection({ exports, exportsLeft, outcome }: DrillRecord): Markup {
  if (exports.length === 0) return NOTHING;
  const ordered = [...exports.filter((one) => !one.proven), ...exports.filter((one) => one.proven)];
  const shown = ordered.slice(0, EXPORTS_SHOWN);
  const cut = exports.length - shown.length;
  const notes = [
    'Proven: pulled, verified and restored in this drill, every byte compared, and nothing made from it differed.',
    ...(cut === 0
      ? []
      : [`${countText(shown.length)} of ${countText(exports.length)} are listed; the record has all.`]),
    ...(exportsLeft === 0 ? [] : [leftText(exportsLeft)]),
  ];
  return html`<section aria-labelledby="exports">
    <h2 id="exports">Exports drilled</h2>
    <p class="note">${notes.join(' ')}</p>
    ${scrolling(
      'Exports drilled',
      ['Partition', 'Packed', ...NUMBER_HEADINGS, 'Proven'],
      shown.map((one) => exportRow(one, outcome)),
    )}
  </section>`;
}

function exportRow(
  { path, exportId, createdAt, files, bytes, storedBytes, proven }: DrilledExport,
  outcome: DrillOutcome,
): Markup {
  const unproven =
    outcome === 'fail' ? html`<span class="mark fail">✗ not proven</span>` : html`<span class="none">not proven</span>`;
  return html`<tr>
    <th scope="row" class="path">
      ${path === '' ? 'lake' : path}<small><code>${exportId}</code></small>
    </th>
    <td class="when">${timeText(createdAt)}</td>
    <td class="number">${countText(files)}</td>
    <td class="number">${bytesText(bytes)}</td>
    <td class="number">${bytesText(storedBytes)}</td>
    <td>${proven ? html`<span class="mark pass">✓ proven</span>` : unproven}</td>
  </tr> `;
}

const OUTCOMES: Readonly<Record<DrillOutcome, string>> = {
  pass: '✓ pass',
  fail: '✗ fail',
  inconclusive: '? inconclusive',
};

function outcomeMark(outcome: DrillOutcome): Markup {
  return html`<span class="mark ${outcome}">${OUTCOMES[outcome]}</span>`;
}

/** Headings of columns that hold numbers, which stand to the right. */
const NUMBER_HEADINGS: readonly string[] = ['Files', 'Bytes', 'Stored'];

/** A table that scrolls within the page where it is too wide, also by keyboard. */
function scrolling(label: string, headings: readonly string[], rows: readonly Markup[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${headings.map((heading) => (NUMBER_HEADINGS.includes(heading) ? html`<th scope="col" class="number">${heading}</th>` : html`<th scope="col">${heading}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
