/** Migrations: drills, the comparison at the end, and deletion of nothing that was not proven. */
import { readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { transfer, verify } from '../../../src/index.js';
import { faulty } from '../../remote/faulty.js';
import { openMemoryRemote } from '../../remote/memory.js';
import { packInto, placeWith } from '../lakes.js';
import { codes, contents, copyOf, freshStateDir, keys, outcome, packedSource, send } from './kit.js';

const DRILL = 'drills/2025/20251011T080000Z-0a1b2c3d.drill.json';

describe('a migration', () => {
  test('copies drills too, and compares both sides at its end', async () => {
    const { remote } = await packedSource();
    remote.objects.set(DRILL, Buffer.from('{"ok":true}'));
    const { remote: other } = await packedSource({ 'gold/own/dt=1/x': 'x' });
    const target = copyOf(other, { distant: true });
    const report = await send(remote, target, { wholeArchive: true });
    expect(target.objects.get(DRILL)?.toString()).toBe('{"ok":true}');
    expect(report.cutOver).toMatchObject({
      onlyInSource: { count: 0, names: [] },
      equal: { count: 4 },
      different: { count: 0 },
    });
    expect(report.cutOver?.onlyInTarget.names).toEqual([expect.stringMatching(/^gold\/own\/dt=1\/\d{8}T/)]);
  });

  test('an export that a stale listing left out is missed at the end, and moved by the same command', async () => {
    const { remote } = await packedSource();
    const source = faulty(remote, [{ kind: 'truncate', on: 'list', key: /^manifests/, nth: 1 }]);
    const target = openMemoryRemote({ distant: true });
    const report = await send(source, target, { wholeArchive: true });
    expect(source.hits).toHaveLength(1);
    expect(codes(report)).toEqual(['TRANSFER_FAILED']);
    expect(report.findings[0]?.message).toMatch(/2 more exports are in the source only/);
    expect(codes(await send(remote, target, { wholeArchive: true }))).toEqual([]);
    expect(contents(target)).toEqual(contents(remote));
  });

  test('a drill with other bytes in the target is said and left alone', async () => {
    const { remote } = await packedSource();
    remote.objects.set(DRILL, Buffer.from('{}'));
    const target = openMemoryRemote({ distant: true });
    target.objects.set(DRILL, Buffer.from('{"other":1}'));
    const report = await send(remote, target, { wholeArchive: true });
    expect(codes(report)).toEqual(['TRANSFER_FAILED']);
    expect(target.objects.get(DRILL)?.toString()).toBe('{"other":1}');
  });

  test('says what differs, what is missing, and in a dry run what is now', async () => {
    const { remote } = await packedSource();
    const target = copyOf(remote, { distant: true });
    const [first = '', second = ''] = keys(target, /export\.json$/);
    target.objects.set(first, Buffer.from('{}'));
    target.objects.delete(second);
    const report = await send(remote, target, { wholeArchive: true, dryRun: true });
    expect(report.cutOver).toMatchObject({ onlyInSource: { count: 1 }, equal: { count: 2 }, different: { count: 1 } });
  });
});

describe('deleting the source', () => {
  test('empties it of what was proven, manifests first, and a second run has nothing to do', async () => {
    const { remote } = await packedSource();
    const expected = contents(remote);
    const source = faulty(remote, []);
    const target = openMemoryRemote({ distant: true });
    const stateDir = freshStateDir();
    const options = { wholeArchive: true, deleteSource: true, stateDir };
    const report = await send(source, target, options);
    expect(report.totals).toMatchObject({ transferred: 4, sourceDeleted: 4 });
    expect(keys(remote)).toEqual([]);
    expect(contents(target)).toEqual(expected);
    const deletes = source.calls.filter((call) => call.startsWith('delete '));
    expect(deletes.slice(0, 4).every((call) => call.endsWith('.export.json'))).toBe(true);
    expect(report.cutOver).toMatchObject({ equal: { count: 0 }, onlyInTarget: { count: 4 } });
    expect((await send(remote, target, options)).totals).toMatchObject({ transferred: 0, sourceDeleted: 0 });
    expect(existsSync(path.join(stateDir, 'transfers')) && readdirSync(path.join(stateDir, 'transfers'))).toEqual([]);
  });

  test('what an earlier run proved is remembered, and still looked at', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote({ distant: true });
    const stateDir = freshStateDir();
    await send(remote, target, { wholeArchive: true, stateDir });
    const watched = faulty(target, []);
    const bundles = keys(remote, /tar\.zst$/);
    target.objects.delete(bundles[0] ?? '');
    const report = await send(remote, watched, { wholeArchive: true, deleteSource: true, stateDir });
    expect(report.totals).toMatchObject({ present: 3, failed: 1, sourceDeleted: 3 });
    expect(keys(remote, /tar\.zst$/)).toEqual([bundles[0]]);
    expect(watched.calls.filter((call) => /^(read|readRange|stream) .*tar\.zst$/.test(call))).toEqual([]);
  });

  test('what was there before is proven first: a damaged copy keeps its source', async () => {
    const { remote } = await packedSource();
    const target = copyOf(remote);
    const [bundle = ''] = keys(target, /tar\.zst$/);
    target.objects.get(bundle)![40]! ^= 1;
    const report = await send(remote, target, { wholeArchive: true, deleteSource: true });
    expect(report.totals).toMatchObject({ present: 3, failed: 1, sourceDeleted: 3 });
    expect(codes(report)).toEqual(['TRANSFER_FAILED']);
    expect(keys(remote, /tar\.zst$/)).toEqual([bundle]);
    expect(keys(remote, /export\.json$/)).toHaveLength(1);
  });

  test('a manifest that changed in the target after the transfer keeps its source', async () => {
    const { remote } = await packedSource();
    const target = copyOf(remote, { distant: true });
    const [key = ''] = keys(target, /export\.json$/);
    const changing = {
      ...target,
      // Read once when the plan is made, and again before the deletion.
      read: async (name: string, ...more: [number]) => {
        const bytes = await target.read(name, ...more);
        if (name === key) target.objects.set(key, Buffer.from('{}'));
        return bytes;
      },
    };
    const report = await send(remote, changing, { wholeArchive: true, deleteSource: true });
    expect(codes(report)).toEqual(['EXPORT_DIFFERS']);
    expect(keys(remote, /export\.json$/)).toEqual([key]);
  });

  test('one place under two names is noticed, and keeps everything', async () => {
    const { remote } = await packedSource();
    const before = contents(remote);
    const sameUnderAnotherName = { ...remote, identity: 'another name' };
    const options = { wholeArchive: true, deleteSource: true };
    expect(await outcome(send(remote, sameUnderAnotherName, options))).toBe('USAGE');
    expect(contents(remote)).toEqual(before);
  });

  test('an export that failed stays, those that were proven go', async () => {
    const { remote } = await packedSource();
    const [bundle = ''] = keys(remote, /tar\.zst$/);
    remote.objects.get(bundle)![40]! ^= 1;
    const report = await send(remote, openMemoryRemote({ distant: true }), { wholeArchive: true, deleteSource: true });
    expect(report.totals).toMatchObject({ transferred: 3, failed: 1, sourceDeleted: 3 });
    expect(keys(remote, /tar\.zst$/)).toEqual([bundle]);
  });

  test('a killed deletion is finished by the next run, and never leaves a manifest without bundles', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote({ distant: true });
    const stateDir = freshStateDir();
    const options = { wholeArchive: true, deleteSource: true, stateDir };
    const failing = faulty(remote, [{ kind: 'fail', on: 'delete', nth: 6, times: 100 }]);
    expect(await outcome(send(failing, target, options))).toBe('REMOTE_UNAVAILABLE');
    expect(keys(remote, /export\.json$/)).toEqual([]);
    expect(await outcome(send(remote, target, options))).toBe('done');
  });

  test('works from folder to folder', async () => {
    const place = placeWith();
    await packInto(place, { to: place.lake });
    const to = place.archive;
    const report = await transfer({
      ...{ from: place.lake, to, stateDir: place.stateDir, wholeArchive: true, deleteSource: true },
    });
    expect(report.totals).toMatchObject({ transferred: 4, sourceDeleted: 4, failed: 0 });
    expect((await verify({ archive: to })).ok).toBe(true);
    expect(readdirSync(path.join(place.lake, 'silver/apps'))).toHaveLength(3);
  });
});
