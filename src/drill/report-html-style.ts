/** The look of the HTML report: one style sheet, light and dark, on screens of any width and on paper. */

export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #1d2327; --soft: #5b656d; --line: #e2e4e0; --track: #eceeea;
  --pass: #1b7a4b; --pass-wash: #e9f5ee; --fail: #b3261e; --fail-wash: #fcecea; --inconclusive: #8a5a00; --inconclusive-wash: #fdf3dd;
  --bar: #4a6d8c; --bar-apart: #b4bfc8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181b; --card: #1b2024; --ink: #e6e9ea; --soft: #9aa5ac; --line: #2e353a; --track: #262c31;
    --pass: #62c994; --pass-wash: #16291f; --fail: #ff8a80; --fail-wash: #331a19; --inconclusive: #f0c060; --inconclusive-wash: #2e2614;
    --bar: #7fa6c7; --bar-apart: #4b565e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, .foot { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
h1, h2, h3, p { margin: 0; }
code, .mono { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.kicker { color: var(--soft); font-size: 0.8125rem; letter-spacing: 0.02em; padding-top: 2.5rem; overflow-wrap: anywhere; }
.verdict { margin: 0.75rem 0 1.5rem; padding: 1.5rem 1.75rem; border-left: 0.375rem solid var(--tone); border-radius: 0.25rem; background: var(--wash); }
.verdict h1 { font-size: 1.875rem; line-height: 1.25; font-weight: 650; color: var(--tone); letter-spacing: -0.01em; }
.verdict p { margin-top: 0.5rem; max-width: 46rem; }
.pass { --tone: var(--pass); --wash: var(--pass-wash); }
.fail { --tone: var(--fail); --wash: var(--fail-wash); }
.inconclusive { --tone: var(--inconclusive); --wash: var(--inconclusive-wash); }
.skipped { --tone: var(--soft); --wash: transparent; }
.facts { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1px; margin: 0; border: 1px solid var(--line); border-radius: 0.5rem; overflow: hidden; background: var(--line); }
.facts div { background: var(--card); padding: 0.875rem 1rem; }
.facts dt { color: var(--soft); font-size: 0.8125rem; }
.facts dd { margin: 0; font-size: 1.3125rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.facts small { display: block; color: var(--soft); font-size: 0.75rem; font-weight: 400; white-space: normal; }
section { margin-top: 2.75rem; }
h2 { font-size: 1.1875rem; font-weight: 650; margin-bottom: 0.25rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 1.5rem 0 0.375rem; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: 0.875rem; margin-bottom: 0.75rem; max-width: 48rem; }
.reasons { list-style: none; margin: 0.75rem 0 0; padding: 0; }
.reasons li { padding: 0.875rem 1rem; border: 1px solid var(--line); border-left: 0.25rem solid var(--tone); border-radius: 0.25rem; background: var(--card); margin-top: 0.5rem; overflow-wrap: anywhere; }
.reasons .about { color: var(--soft); font-size: 0.8125rem; }
.reasons .hint { margin-top: 0.25rem; }
.chart { display: grid; grid-template-columns: max-content minmax(4rem, 1fr) max-content; gap: 0.4375rem 0.875rem; align-items: center; font-size: 0.875rem; margin: 0; }
.chart .row { display: contents; }
.chart .what { overflow-wrap: anywhere; }
.chart .time { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.chart .time small { color: var(--soft); }
.chart svg { display: block; width: 100%; height: 0.875rem; }
.track { fill: var(--track); } .bar { fill: var(--bar); } .bar.apart { fill: var(--bar-apart); }
.bar.fail { fill: var(--fail); } .bar.inconclusive { fill: var(--inconclusive); }
.key { display: inline-block; width: 0.75rem; height: 0.75rem; border-radius: 0.125rem; vertical-align: -0.0625rem; background: var(--bar); } .key.apart { background: var(--bar-apart); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 0.5rem; background: var(--card); }
section > .scroll { margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.625rem 0.875rem; color: var(--soft); }
caption strong { color: var(--ink); }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.875rem; border-top: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
table > thead:first-child th { border-top: 0; }
tbody th { font-weight: 500; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.when { white-space: nowrap; }
td.path, th.path { overflow-wrap: anywhere; min-width: 12rem; }
td.what { min-width: 9.5rem; } td.what code { overflow-wrap: normal; }
td.value { min-width: 9rem; max-width: 20rem; }
td small, th small { display: block; font-weight: 400; color: var(--soft); max-width: 22rem; }
.mark { color: var(--tone); font-weight: 600; white-space: nowrap; }
.none { color: var(--soft); }
.chain { display: grid; grid-template-columns: max-content 1fr; gap: 0.5rem 1.25rem; margin: 0.75rem 0 0; font-size: 0.875rem; }
.chain dt { color: var(--soft); } .chain dd { margin: 0; overflow-wrap: anywhere; }
.foot { color: var(--soft); font-size: 0.8125rem; margin-top: 3rem; padding-bottom: 3rem; }
.foot p { border-top: 1px solid var(--line); padding-top: 1rem; max-width: none; }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 36rem) {
  .verdict { padding: 1.125rem 1.25rem; } .verdict h1 { font-size: 1.5rem; }
  .chart { grid-template-columns: 1fr max-content; gap: 0.125rem 0.75rem; }
  .chart svg { grid-column: 1 / -1; grid-row: auto; margin-bottom: 0.5rem; order: 0; }
  .chart .row { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; }
  .chart .row svg { grid-row: 2; }
  .chain { grid-template-columns: 1fr; gap: 0; } .chain dd { margin-bottom: 0.625rem; }
  .facts { grid-template-columns: 1fr 1fr; } .facts dd { font-size: 1.125rem; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee; --pass: #14633b; --fail: #9a1c15; --inconclusive: #6f4800; --bar: #4a6d8c; --bar-apart: #b4bfc8; --pass-wash: #fff; --fail-wash: #fff; --inconclusive-wash: #fff; }
  body { font-size: 10.5pt; } main, .foot { max-width: none; padding: 0; } .kicker { padding-top: 0; }
  section { margin-top: 1.5rem; } h2, h3 { break-after: avoid; } tr, .reasons li, .facts, .verdict, .chart .row { break-inside: avoid; } thead { display: table-header-group; }
  .scroll { overflow: visible; } svg, .key, .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
