/** Counts what progress events say and works out rate and time left. Draws nothing. */
import type { ProgressEvent } from '../base/progress.js';
import { safeText } from './safe-text.js';
import { formatBytes, formatCount, formatDuration, formatShare } from './units.js';

/** The rate is that of the last ten seconds: what the disk does now, not what it did an hour ago. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  readonly files: number;
}

export class ProgressMeter {
  readonly #now: () => number;
  #phase = '';
  #countedPhase: string | undefined;
  #detail = '';
  #files = 0;
  #bytes = 0;
  #totalFiles: number | undefined;
  #totalBytes: number | undefined;
  #samples: Sample[];

  constructor(now: () => number) {
    this.#now = now;
    this.#samples = [{ atMs: now(), bytes: 0, files: 0 }];
  }

  get bytes(): number {
    return this.#bytes;
  }

  get totalBytes(): number | undefined {
    return this.#totalBytes;
  }

  get phase(): string {
    return this.#phase;
  }

  take(event: ProgressEvent): void {
    switch (event.type) {
      case 'phase':
        this.#phase = event.phase;
        this.#detail = event.detail ?? '';
        return;
      case 'total':
        this.#takeTotal(event.files, event.bytes);
        return;
      case 'advance':
        this.#files += event.files;
        this.#bytes += event.bytes;
        this.#sample();
        return;
      case 'item':
        this.#detail = event.name;
        return;
    }
  }

  /** A total that comes in a new phase begins a new count; one that comes in the same phase only corrects it. */
  #takeTotal(files: number, bytes: number): void {
    this.#totalFiles = files;
    this.#totalBytes = bytes;
    if (this.#countedPhase === this.#phase) return;
    this.#countedPhase = this.#phase;
    this.#files = 0;
    this.#bytes = 0;
    this.#samples = [{ atMs: this.#now(), bytes: 0, files: 0 }];
  }

  #sample(): void {
    const atMs = this.#now();
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < SAMPLE_MS) return;
    this.#samples.push({ atMs, bytes: this.#bytes, files: this.#files });
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#samples.shift();
  }

  /** `1.2 GiB of 4.0 GiB (30 %), 340 of 1,200 files, 210.0 MiB/s, 13.4 s left`. */
  facts(): string {
    const bytes = withTotal(formatBytes(this.#bytes), this.#totalBytes, formatBytes, ' of ');
    const share = this.#totalBytes === undefined ? '' : ` (${formatShare(this.#bytes, this.#totalBytes)})`;
    const files = withTotal(formatCount(this.#files), this.#totalFiles, formatCount, ' of ');
    return [`${bytes}${share}`, `${files} files`, ...this.#speed()].join(', ');
  }

  /** The same for a line that must be short: `30 %  1.2 GiB/4.0 GiB  340/1,200 files  210.0 MiB/s  13.4 s left`. */
  shortFacts(): string {
    const share = this.#totalBytes === undefined ? [] : [formatShare(this.#bytes, this.#totalBytes)];
    const bytes = withTotal(formatBytes(this.#bytes), this.#totalBytes, formatBytes, '/');
    const files = withTotal(formatCount(this.#files), this.#totalFiles, formatCount, '/');
    return [...share, bytes, `${files} files`, ...this.#speed()].join('  ');
  }

  /** Rate and time left, as far as they are known. */
  #speed(): string[] {
    const { bytesPerMs, filesPerMs } = this.#rates();
    const leftMs = Math.max(
      remaining(this.#totalBytes, this.#bytes, bytesPerMs),
      remaining(this.#totalFiles, this.#files, filesPerMs),
    );
    return [
      ...(bytesPerMs > 0 ? [`${formatBytes(bytesPerMs * 1000)}/s`] : []),
      ...(leftMs > 0 ? [`${formatDuration(Math.max(1000, leftMs))} left`] : []),
    ];
  }

  /** What is being worked on, safe to print; a phase that is called like the verb before it is not said twice. */
  subject(verb: string): string {
    return safeText([this.#phase, this.#detail].filter((part) => part !== '' && part !== verb).join(' '));
  }

  #rates(): { readonly bytesPerMs: number; readonly filesPerMs: number } {
    const first = this.#samples[0];
    const spanMs = this.#now() - (first?.atMs ?? 0);
    if (first === undefined || spanMs <= 0) return { bytesPerMs: 0, filesPerMs: 0 };
    return { bytesPerMs: (this.#bytes - first.bytes) / spanMs, filesPerMs: (this.#files - first.files) / spanMs };
  }
}

function withTotal(done: string, total: number | undefined, format: (n: number) => string, between: string): string {
  return total === undefined ? done : `${done}${between}${format(total)}`;
}

/** Bytes tell the time left for large files, files for small ones: the later end counts. */
function remaining(total: number | undefined, done: number, perMs: number): number {
  return total === undefined || perMs === 0 ? 0 : Math.max(0, total - done) / perMs;
}
