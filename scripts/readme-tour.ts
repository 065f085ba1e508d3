/**
 * Runs the tour of README.md and compares, or writes, the output under its commands. usage: npx tsx scripts/readme-tour.ts
 * [--write]. Every `sh` block of the section runs, in order, in one shell; a `text` block after one is its output.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = path.join(ROOT, 'README.md');
/** What the README calls the folder that the tour works in. */
const TOUR_FOLDER = '.demo/tour';
const BLOCK = /```sh\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```\n)?/g;
const SHOWN_LINES = 12;
const MARK = '@@@ end of block @@@';

export interface TourStep {
  readonly commands: string;
  /** As the README has it; undefined where it shows none. */
  readonly shown: string | undefined;
  /** What the commands print on standard output now. */
  readonly printed: string;
}

/** Runs the tour in a folder of its own, which is removed afterwards. Throws when a command fails. */
export function runTour(): readonly TourStep[] {
  const blocks = [...tourOf(readFileSync(README, 'utf8')).matchAll(BLOCK)];
  const folder = mkdtempSync(path.join(tmpdir(), 'lakepack-tour-'));
  try {
    const script = blocks.map(([, commands = '']) => `${commands}echo '${MARK}'`).join('\n');
    const output = execFileSync('bash', ['-eu', '-o', 'pipefail', '-c', script.replaceAll(TOUR_FOLDER, folder)], {
      cwd: ROOT,
      encoding: 'utf8',
      env: {
        ...process.env,
        LAKEPACK_STATE_DIR: path.join(folder, 'state'),
        NO_COLOR: '1',
        LC_ALL: 'C.UTF-8',
        CI: '1',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const printed = output.replaceAll(folder, TOUR_FOLDER).split(`${MARK}\n`);
    return blocks.map(([, commands = '', shown], index) => ({ commands, shown, printed: printed[index] ?? '' }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Output with all that differs from run to run, or from one zlib to another, made the same: ids, times, sizes. */
export function masked(output: string): string {
  return output
    .replace(/\d{8}T\d{6}Z-([0-9a-f]{8})/g, 'YYYYMMDDThhmmssZ-$1')
    .replace(/\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ/g, 'TIME')
    .replace(/ *~?\b\d[\d.,]* (B|KiB|bytes)(?!\w)/g, ' SIZE')
    .replace(/\b[0-9a-f]{64}\b/g, 'SHA256')
    .replace(/\d+ %/g, 'SHARE')
    .replace(/in \d[\d.,]* m?s\b/g, 'in TIME');
}

/** The lines of an output that a README has room for. */
export function shortened(output: string): string {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= SHOWN_LINES) return output;
  const end = lines.slice(-2);
  return [...lines.slice(0, SHOWN_LINES - 3), '…', ...end, ''].join('\n');
}

function tourOf(readme: string): string {
  const start = readme.indexOf('\n## A tour\n');
  const end = readme.indexOf('\n## ', start + 4);
  if (start < 0 || end < 0) throw new Error('README.md has no section "A tour"');
  return readme.slice(start, end);
}

function write(): void {
  const readme = readFileSync(README, 'utf8');
  const steps = runTour();
  let index = 0;
  const tour = tourOf(readme).replace(BLOCK, (_, commands: string) => {
    const printed = shortened(steps[index++]?.printed ?? '');
    const output = printed.trim() === '' ? '' : `\n\`\`\`text\n${printed}\`\`\`\n`;
    return `\`\`\`sh\n${commands}\`\`\`\n${output}`;
  });
  writeFileSync(
    README,
    readme.replace(tourOf(readme), () => tour),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write')) write();
