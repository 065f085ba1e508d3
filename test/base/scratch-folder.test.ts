import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inScratchFolder, openScratchFolder, removeMarkedFolder } from '../../src/base/scratch-folder.js';
import { newTemporaryId } from '../../src/base/temporary-name.js';

/** Linux gives no process a number above 2^22. */
const MORE_THAN_ANY_PID = 4_194_305;

let base: string;
beforeEach(() => void (base = mkdtempSync(path.join(tmpdir(), 'scratch-test-'))));
afterEach(() => rmSync(base, { recursive: true }));

/** A scratch folder as a process leaves it that was killed: its own id, and nobody with that number any more. */
function leftByTheDead(marker?: string): string {
  const id = newTemporaryId().replace(/-\d+-/, `-${MORE_THAN_ANY_PID + readdirSync(base).length}-`);
  const folder = path.join(base, `lakepack-scratch-${id}`);
  mkdirSync(path.join(folder), { recursive: true });
  if (marker !== 'none') writeFileSync(path.join(folder, '.lakepack-scratch'), marker ?? `lakepack-scratch-${id}\n`);
  return folder;
}

describe('a scratch folder', () => {
  test('is gone after the work, also when that fails', async () => {
    await expect(inScratchFolder(() => Promise.reject(new Error('no')), base)).rejects.toThrow('no');
    expect(readdirSync(base)).toEqual([]);
  });

  test('of a process that was killed is removed by the next one', async () => {
    const left = leftByTheDead();
    writeFileSync(path.join(left, 'lines.1'), 'x');
    const scratch = await openScratchFolder(base);
    expect(readdirSync(base)).toEqual([path.basename(scratch.folder)]);
    await scratch.remove();
  });

  test('of one that was killed before it could mark it is removed too', async () => {
    const left = [leftByTheDead('none'), leftByTheDead('lakepack-scr')];
    await inScratchFolder(() => Promise.resolve(), base);
    expect(left.filter((folder) => existsSync(folder))).toEqual([]);
  });

  test('keeps its marker until all else is gone, so that who is killed while removing it leaves something known', async () => {
    const scratch = await openScratchFolder(base);
    const locked = path.join(scratch.folder, 'a-folder-that-cannot-be-emptied');
    mkdirSync(locked);
    const removing = removeMarkedFolder(scratch.folder, '.lakepack-scratch');
    const seen = new Set<string>();
    while (existsSync(locked)) {
      seen.add(existsSync(path.join(scratch.folder, '.lakepack-scratch')) ? 'marked' : 'unmarked');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await removing;
    expect([...seen]).toEqual(['marked']);
    expect(existsSync(scratch.folder)).toBe(false);
  });

  test('of a live process stays', async () => {
    const first = await openScratchFolder(base);
    const second = await openScratchFolder(base);
    expect(existsSync(first.folder)).toBe(true);
    await first.remove();
    await second.remove();
  });

  test.each(['not ours', 'lakepack-scratch-other\n'])(
    'with a marker that says %j is somebody else’s',
    async (marker) => {
      const folder = leftByTheDead(marker);
      await inScratchFolder(() => Promise.resolve(), base);
      expect(existsSync(folder)).toBe(true);
    },
  );
});
