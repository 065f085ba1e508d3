/**
 * Makes the tables of docs/remote-check.md from real checks, so that they tell the truth. `--write` puts them into the
 * file; without it they are printed. A test compares the file with what the checks say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { ProbeResult, RemoteCheckReport } from '../src/index.js';
import { SCENARIOS } from '../test/remote/check-scenarios.js';
import { startCeph } from '../test/servers/ceph.js';

const DOCUMENT = new URL('../docs/remote-check.md', import.meta.url);
const BEGIN = '<!-- tables: made by scripts/remote-check-tables.ts -->';

const ceph = await startCeph();
try {
  const parts: string[] = [];
  for (const scenario of SCENARIOS) {
    const report = await scenario.run(ceph);
    parts.push(`### ${scenario.title}\n\n${scenario.about}\n\n${[...problems(report), ...table(report)].join('\n')}\n`);
  }
  const text = parts.join('\n');
  if (process.argv.includes('--write')) {
    const [head = ''] = readFileSync(DOCUMENT, 'utf8').split(BEGIN);
    writeFileSync(DOCUMENT, `${head}${BEGIN}\n\n${text}`);
  } else {
    process.stdout.write(text);
  }
} finally {
  await ceph.stop();
}

function problems({ verdict, ok, problems: found, leftBehind }: RemoteCheckReport): string[] {
  const words = {
    writing: 'usable for writing and reading',
    reading: 'usable for reading only',
    unusable: 'not usable',
  };
  const lines = found.map(({ severity, code, message, hint }) => {
    return `- ${severity} \`${code}\`: ${plain(message)}${hint === undefined ? '' : `. Fix: ${plain(hint)}`}`;
  });
  const left = leftBehind.length === 0 ? 'nothing' : `${leftBehind.length} objects`;
  return [
    `Verdict: **${words[verdict]}**${ok ? '' : ', with problems'}. Left behind: ${left}.`,
    '',
    ...lines,
    ...(lines.length === 0 ? [] : ['']),
  ];
}

/** What works without a word to say stands in one line: the others are why somebody reads this. */
function table({ probes }: RemoteCheckReport): string[] {
  const rows = probes.map((probe) => [
    ...[probe.id, probe.outcome, plain(seenOf(probe))],
    plain([probe.instead, probe.fix].filter(Boolean).join('; ')),
  ]);
  return [
    '| Probe | Result | Tried: seen | Instead; fix |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
}

function seenOf({ tries, note }: ProbeResult): string {
  return note === undefined ? tries : `${tries}: ${note}`;
}

/** Ports and buckets are made up at each run. */
function plain(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replace(/lakepack-test-[0-9a-f]{12}/g, 'BUCKET')
    .replaceAll('|', '\\|')
    .replaceAll('*', '\\*');
}
