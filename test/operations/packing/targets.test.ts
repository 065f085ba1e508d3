/** Where exports go: which archives are refused, which are one and the same, and what a dry run leaves alone. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { openArchive, pack } from '../../../src/index.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, codeOf, snapshot } = lakes;

describe('an archive', () => {
  test('inside the lake is refused: it would be packed with it', async () => {
    const place = placeWith();
    const before = lakes.treeOf(place.lake);
    for (const inside of ['backup', 'exports', 'a/b/c']) {
      expect(await codeOf(packInto(place, { to: path.join(place.lake, inside) }))).toBe('USAGE');
    }
    fs.symlinkSync(place.lake, `${place.archive}-link`);
    expect(await codeOf(packInto(place, { to: path.join(`${place.archive}-link`, 'backup') }))).toBe('USAGE');
    expect(lakes.treeOf(place.lake)).toEqual(before);
  });

  test('beside the lake, or above it, is fine', async () => {
    const place = placeWith();
    expect((await packInto(place, { to: `${place.lake}-archive` })).totals.packed).toBe(4);
    expect((await packInto(place, { to: path.dirname(place.lake) })).totals.packed).toBe(4);
    expect((await packInto(place, { to: path.dirname(place.lake) })).totals.unchanged).toBe(4);
  });

  test('that is a file is refused', async () => {
    const place = placeWith();
    fs.writeFileSync(place.archive, 'a file');
    expect(await codeOf(packInto(place))).toBe('TARGET_CONFLICT');
  });

  test('that is opened by the caller is used, and stays open', async () => {
    const place = placeWith();
    const archive = await openArchive(place.archive, { mode: 'write' });
    const close = vi.spyOn(archive.remote, 'close');
    const report = await packInto(place, { to: archive });
    expect(report).toMatchObject({ archive: archive.url, totals: { packed: 4 } });
    expect(close).not.toHaveBeenCalled();
    expect((await packInto(place)).totals.unchanged).toBe(4);
  });

  test('that is open for reading only is refused before anything is read', async () => {
    const place = placeWith();
    await packInto(place);
    lakes.write(place.lake, 'silver/apps/dt=2025-10-14/new.csv', 'new');
    const archive = await openArchive(place.archive, { mode: 'read' });
    expect(await codeOf(packInto(place, { to: archive }))).toBe('PERMISSION_DENIED');
  });

  test.skipIf(process.getuid?.() === 0)('that the system does not let us write to', async () => {
    const place = placeWith();
    fs.mkdirSync(place.archive, { mode: 0o555 });
    expect(await codeOf(packInto(place))).toBe('PERMISSION_DENIED');
  });

  test('of a scheme that this version does not open', async () => {
    expect(await codeOf(packInto(placeWith(), { to: 'gopher://host/lake' }))).toBe('ARCHIVE_UNSUPPORTED');
  });
});

describe('two packs of one lake into one archive', () => {
  test('do not run at once, however the archive is spelled', async () => {
    const place = placeWith();
    const { remote } = await openArchive(place.archive, { mode: 'write' });
    fs.symlinkSync(place.archive, `${place.archive}-link`);
    const relative = path.relative(process.cwd(), place.archive);
    const codes: string[] = [];
    // The first one stops at its first bundle until the others have been refused.
    const put: typeof remote.put = async (...call) => {
      if (codes.length === 0) {
        for (const to of [place.archive, relative, `${place.archive}-link`, `file://${place.archive}`]) {
          codes.push(await codeOf(packInto(place, { to })));
        }
      }
      return await remote.put(...call);
    };
    await packInto(place, { to: new Archive({ ...remote, put }), concurrency: 1 });
    expect(codes).toEqual(['OBJECT_EXISTS', 'OBJECT_EXISTS', 'OBJECT_EXISTS', 'OBJECT_EXISTS']);
    expect(lakes.lookAtArchive(place.archive)).toMatchObject({ exports: 4, strays: [] });
    expect((await packInto(place)).totals.unchanged).toBe(4);
  });

  test('one after the other know of each other, however the archive is spelled', async () => {
    const place = placeWith();
    await packInto(place);
    fs.symlinkSync(place.archive, `${place.archive}-link`);
    await packInto(place, { to: `${place.archive}-link` });
    await packInto(place, { to: path.relative(process.cwd(), place.archive) });
    expect(fs.readdirSync(path.join(place.stateDir, 'packs'))).toHaveLength(1);
  });
});

describe('a dry run', () => {
  test('writes nothing anywhere, into a new archive, an old one or the lake', async () => {
    const place = placeWith();
    const folder = path.dirname(place.lake);
    const before = snapshot(folder);
    const report = await packInto(place, { dryRun: true });
    expect(report).toMatchObject({ dryRun: true, archive: place.archive, totals: { planned: 4, packed: 0 } });
    await pack({ lake: place.lake, stateDir: place.stateDir, dryRun: true });
    expect(snapshot(folder)).toEqual(before);
    await packInto(place);
    lakes.write(place.lake, 'silver/apps/dt=2025-10-14/new.csv', 'new');
    const later = snapshot(folder);
    expect((await packInto(place, { dryRun: true })).totals).toMatchObject({ planned: 1, unchanged: 4 });
    expect(snapshot(folder)).toEqual(later);
  });

  test('leaves no scratch folder, also when it fails', async () => {
    const place = placeWith();
    vi.stubEnv('TMPDIR', path.dirname(place.lake));
    await packInto(place, { dryRun: true });
    expect(await codeOf(packInto(place, { dryRun: true, to: 'gopher://x' }))).toBe('ARCHIVE_UNSUPPORTED');
    expect(fs.readdirSync(path.dirname(place.lake)).sort()).toEqual(['lake']);
    vi.unstubAllEnvs();
  });

  test('into an archive that is not there plans everything, also when the lake has exports itself', async () => {
    const place = placeWith();
    await pack({ lake: place.lake, stateDir: place.stateDir });
    expect((await packInto(place, { dryRun: true })).totals).toMatchObject({ planned: 4, unchanged: 0 });
  });

  test('estimates the stored size within a quarter', async () => {
    const place = { ...placeWith({}), lake: await lakes.fixturesLake() };
    for (const by of ['partition', 'layer', 'lake'] as const) {
      const to = `${place.archive}-${by}`;
      const plan = await packInto(place, { by, to, dryRun: true });
      const done = await packInto(place, { by, to });
      expect(plan.totals.storedBytes / done.totals.storedBytes).toBeGreaterThan(0.75);
      expect(plan.totals.storedBytes / done.totals.storedBytes).toBeLessThan(1.25);
      expect(plan.totals.files).toBe(done.totals.files);
    }
  });
});
