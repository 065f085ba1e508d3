import { describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/base/progress.js';
import { startProgress } from '../../src/cli/progress.js';
import { ProgressMeter } from '../../src/cli/progress-meter.js';
import { packReport } from './reports.js';
import { CollectedStream, runCli } from './run-cli.js';

const ESCAPE = '\u001b';

const MIB = 1024 * 1024;
const WORK: readonly ProgressEvent[] = [
  { type: 'phase', phase: 'pack' },
  { type: 'total', files: 10, bytes: 100 * MIB },
  ...Array.from({ length: 10 }, (): ProgressEvent => ({ type: 'advance', files: 1, bytes: 10 * MIB })),
  { type: 'item', name: 'silver/a', status: 'packed' },
];

describe('where stderr is no terminal', () => {
  test('there are plain lines: the first phase at once, then one every three seconds', async () => {
    const stream = new CollectedStream();
    let nowMs = 0;
    const { listener } = await startProgress('pack', stream, { silent: false, verbose: false, now: () => nowMs });
    for (const event of WORK) {
      listener(event);
      nowMs += 1000;
    }
    const lines = stream.text.trimEnd().split('\n');
    expect(lines[0]).toBe('pack: started');
    expect(lines[1]).toBe('pack: 20.0 MiB of 100.0 MiB (20 %), 2 of 10 files, 10.0 MiB/s, 8.0 s left');
    expect(lines).toHaveLength(5);
  });

  test('--verbose has a line for every item', async () => {
    const stream = new CollectedStream();
    const { listener } = await startProgress('pack', stream, { silent: false, verbose: true });
    for (let i = 0; i < 50; i++)
      listener({ type: 'item', name: `silver/${i}\u001b`, status: 'packed', detail: '3 files' });
    expect(stream.text.split('\n')).toHaveLength(51);
    expect(stream.text).toContain('pack: silver/49\\u001b packed 3 files\n');
  });

  const pack = async ({ onProgress }: { onProgress?: (event: ProgressEvent) => void }) => {
    for (const event of WORK) onProgress?.(event);
    return packReport();
  };

  test('a command shows them on stderr, and nothing with --quiet or --json', async () => {
    expect((await runCli(['export', 'pack', 'a'], { pack })).stderr).toBe('pack: started\n');
    for (const flag of ['--quiet', '--json']) {
      expect((await runCli(['export', 'pack', 'a', flag], { pack })).stderr).toBe('');
    }
  });
});

describe('on a terminal', () => {
  test('a bar is drawn at most ten times a second, and cleared at the end', async () => {
    const stream = new CollectedStream(true, 100);
    const { listener, stop } = await startProgress('pack', stream, { silent: false, verbose: false });
    for (const event of WORK.slice(0, 2)) listener(event);
    for (let i = 0; i < 100_000; i++) listener({ type: 'advance', files: 0, bytes: 100 });
    const startedMs = Date.now();
    while (Date.now() - startedMs < 450) {
      listener({ type: 'advance', files: 0, bytes: 100 });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    stop();
    const draws = stream.text.split('pack [').length - 1;
    expect(draws).toBeGreaterThanOrEqual(2);
    expect(draws).toBeLessThanOrEqual(8);
    expect(stream.text).toMatch(
      /pack \[#+-+\] \d+ % {2}[\d.]+ MiB\/100\.0 MiB {2}0\/10 files {2}[\d.]+ MiB\/s {2}[\d.]+ s left/,
    );
    // The last thing written clears the line.
    expect(stream.text.endsWith(`${ESCAPE}[2K`)).toBe(true);
    // Neither a hidden cursor nor switched-off wrapping may stay behind when a process is killed.
    expect(stream.text).not.toContain('\u001b[?');
  });

  test('no line is wider than the terminal, and names cannot act on it', async () => {
    const stream = new CollectedStream(true, 60);
    const { listener, stop } = await startProgress('pack', stream, { silent: false, verbose: false });
    listener({ type: 'phase', phase: '\u001b[2J', detail: 'x'.repeat(500) });
    await new Promise((resolve) => setTimeout(resolve, 150));
    stop();
    // Escape sequences have no width.
    const lines = stream.text.split(new RegExp(`${ESCAPE}(?:\\[[\\d;]*[A-Za-z]|[78])`));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(stream.text).not.toContain('\u001b[2J');
  });
});

describe('the meter', () => {
  test('a total in a new phase begins a new count; in the same phase it corrects the count', () => {
    const meter = new ProgressMeter(() => 0);
    meter.take({ type: 'phase', phase: 'scan' });
    meter.take({ type: 'advance', files: 5, bytes: 0 });
    meter.take({ type: 'phase', phase: 'pack' });
    meter.take({ type: 'total', files: 10, bytes: 1000 });
    expect(meter.facts()).toBe('0 B of 1,000 B (0 %), 0 of 10 files');
    meter.take({ type: 'advance', files: 1, bytes: 500 });
    meter.take({ type: 'total', files: 20, bytes: 2048 });
    expect(meter.facts()).toBe('500 B of 2.0 KiB (24 %), 1 of 20 files');
  });

  test('the rate is that of the last ten seconds', () => {
    let nowMs = 0;
    const meter = new ProgressMeter(() => nowMs);
    for (; nowMs < 60_000; nowMs += 500)
      meter.take({ type: 'advance', files: 0, bytes: nowMs < 30_000 ? MIB : 2 * MIB });
    expect(meter.facts()).toMatch(/, (3\.[89]|4\.[0-4]) MiB\/s/);
  });
});
