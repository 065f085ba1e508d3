/** A disk that takes only a part of what it is given, as one that is nearly full does: nothing may be lost silently. */
import type * as NodeFs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { LineSpool } from '../../src/base/line-spool.js';

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof NodeFs>();
  function writeSync(fd: number, data: string | Buffer, offset = 0, length = data.length - offset): number {
    const bytes = Buffer.from(data).subarray(offset, offset + length);
    return fs.writeSync(fd, bytes, 0, Math.max(1, Math.floor(bytes.length / 2)));
  }
  return { ...fs, writeSync };
});

test('lines come back whole from a file that was written in parts', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-spool-'));
  const spool = new LineSpool({ scratchDir: folder, memoryBytes: 10 });
  const lines = Array.from({ length: 30 }, (_, n) => `line ${n} é`);
  for (const line of lines) spool.append(line);
  const back: string[] = [];
  for await (const line of spool) back.push(line);
  expect(back).toEqual(lines);
  spool.dispose();
  rmSync(folder, { recursive: true });
});
