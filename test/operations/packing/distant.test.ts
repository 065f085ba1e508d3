/** Packing into an archive behind a network: in parts, proven, many at once, and going on after a kill. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { programWords } from '../../../scripts/campaigns/program.js';
import { Archive, openArchive } from '../../../src/archive/archive.js';
import type { ArchiveLocation } from '../../../src/archive/contract.js';
import { UploadJournal } from '../../../src/archive/upload-journal.js';
import { BLOCK_BYTES, MIB } from '../../../src/base/limits.js';
import { pack, verify } from '../../../src/index.js';
import { randomBytes } from '../../bundle/kit.js';
import { faulty, type Fault, type FaultyRemote } from '../../remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../../remote/memory.js';
import { hasSharedCeph, sharedCeph } from '../../servers/ceph.js';
import { codeOf, keysOf, makeFolder, packInto, placeWith, SMALL, type Place, type Tree } from '../lakes.js';

const MANIFEST = /\.export\.json$/;
const BUNDLE = /\.tar\.zst$/;
/** A whole part and a piece, in bytes that do not compress. */
const LARGE: Tree = { 'gold/e/dt=2025-01-01/part-0.bin': randomBytes(BLOCK_BYTES + MIB) };

const MANY: Tree = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`silver/a/${index}`, '']));

function distant(): MemoryRemote {
  return openMemoryRemote({ distant: true, chunkBytes: MIB });
}

function into(
  place: Place,
  remote: MemoryRemote,
  faults: readonly Fault[],
  seed = 1,
): { remote: FaultyRemote; run: Promise<string> } {
  const failing = faulty(remote, faults, seed);
  return { remote: failing, run: codeOf(packInto(place, { to: new Archive(failing) })) };
}

async function expectWhole(memory: MemoryRemote, exports: number): Promise<void> {
  const archive = new Archive(memory);
  expect(await verify({ archive })).toMatchObject({ ok: true, totals: { exports, findings: 0 } });
  expect(memory.store.uploads.size).toBe(0);
}

/** The method and the kind of object of each call, without what looks for something. */
function shortCalls({ calls }: FaultyRemote): string[] {
  return calls.map((call) => call.replace(/ .*?([^/-]*?(\.tar\.zst|SHA256SUMS|\.export\.json))$/, ' $2'));
}

describe('the requests', () => {
  test('of a small export: three puts, and three reads that prove them; manifests last', async () => {
    const memory = distant();
    const { remote, run } = into(placeWith(), memory, []);
    expect(await run).toBe('no error');
    const counted = new Map<string, number>();
    for (const call of shortCalls(remote)) counted.set(call, (counted.get(call) ?? 0) + 1);
    expect(Object.fromEntries(counted)).toEqual({
      'list manifests/': 1,
      'put .tar.zst': 4,
      'checksum .tar.zst': 4,
      'read .tar.zst': 4,
      'put SHA256SUMS': 4,
      'read SHA256SUMS': 4,
      'put .export.json': 4,
      'read .export.json': 4,
      'flush ': 2,
    });
    const calls = shortCalls(remote);
    expect(calls.indexOf('put .export.json')).toBeGreaterThan(calls.lastIndexOf('read SHA256SUMS'));
    expect(calls.indexOf('put .export.json')).toBeGreaterThan(calls.lastIndexOf('read .tar.zst'));
    await expectWhole(memory, 4);
  });

  test('a store that keeps a SHA-256 is not read back', async () => {
    const memory = openMemoryRemote({ distant: true, checksums: true });
    const { remote, run } = into(placeWith(LARGE), memory, []);
    expect(await run).toBe('no error');
    expect(remote.calls.filter((call) => /^(read|stream).*tar\.zst$/.test(call))).toEqual([]);
    await expectWhole(memory, 1);
  });
});

describe('a store that changes a byte on its way in', () => {
  test.each([
    ['a small bundle', undefined, { on: 'put', key: BUNDLE }],
    ['a part', LARGE, { on: 'send', nth: 2 }],
    ['the checksums', undefined, { on: 'put', key: /SHA256SUMS$/ }],
    ['a manifest', undefined, { on: 'put', key: MANIFEST }],
  ] as const)('once, in %s: it is found, and sent again', async (_, tree, where) => {
    const memory = distant();
    const { remote, run } = into(placeWith(tree), memory, [{ kind: 'flip-sent', ...where }]);
    expect(await run).toBe('no error');
    expect(remote.hits).toHaveLength(1);
    await expectWhole(memory, tree === undefined ? 4 : 1);
  });

  test.each([
    ['bundles', BUNDLE, SMALL],
    ['manifests', MANIFEST, SMALL],
    ['the index', /\.files\.jsonl\.zst$/, MANY],
  ])('always, in %s: HASH_MISMATCH, and nothing of it is visible', async (_, key, tree) => {
    const place = placeWith(tree);
    const memory = distant();
    const { run } = into(place, memory, [{ kind: 'flip-sent', key, times: 1_000 }]);
    expect(await run).toBe('HASH_MISMATCH');
    expect(keysOf(memory, MANIFEST)).toEqual([]);
    await packInto(place, { to: new Archive(memory) });
    await expectWhole(memory, tree === SMALL ? 4 : 1);
  });
});

describe('a large export that is cut off', () => {
  test.each(['fail', 'fail-late', 'hang'] as const)(
    '(%s) goes on in the middle of its bundle, under its id',
    async (kind) => {
      const place = placeWith(LARGE);
      const memory = distant();
      const stop = new AbortController();
      const failing = faulty(memory, [{ kind, on: 'send', nth: 2 }]);
      const run = codeOf(packInto(place, { to: new Archive(failing), signal: stop.signal }));
      await expect.poll(() => failing.hits.length, { timeout: 10_000 }).toBe(1);
      if (kind === 'hang') stop.abort();
      expect(await run).toBe(kind === 'hang' ? 'INTERRUPTED' : 'REMOTE_UNAVAILABLE');
      expect(memory.objects.size).toBe(0);
      const [upload] = [...memory.store.uploads.values()];
      const { remote, run: again } = into(place, memory, []);
      expect(await again).toBe('no error');
      expect(remote.calls.filter((call) => call.startsWith('begin'))).toEqual([]);
      expect(remote.calls.filter((call) => call.startsWith('send')).length).toBeLessThanOrEqual(2);
      expect(keysOf(memory, BUNDLE)).toEqual([upload!.key]);
      await expectWhole(memory, 1);
    },
  );

  test('and whose content changed since leaves no upload behind', async () => {
    const place = placeWith(LARGE);
    const memory = distant();
    expect(await into(place, memory, [{ kind: 'fail', on: 'send', nth: 2 }]).run).toBe('REMOTE_UNAVAILABLE');
    expect(memory.store.uploads.size).toBe(1);
    fs.writeFileSync(path.join(place.lake, 'gold/e/dt=2025-01-01/part-0.bin'), 'small now');
    await packInto(place, { to: new Archive(memory) });
    await expectWhole(memory, 1);
    expect(keysOf(memory, BUNDLE)).toHaveLength(1);
  });
});

test('whatever fails, again and again: what is visible is whole, and a sound run finishes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
      const place = placeWith();
      const memory = distant();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const kind = (['fail', 'fail-late', 'flip-sent', 'flip'] as const)[(seed + attempt) % 4]!;
        const { run } = into(place, memory, [{ kind, share: 0.1 }], seed + attempt);
        const expected = ['no error', 'REMOTE_UNAVAILABLE', 'HASH_MISMATCH', 'OBJECT_EXISTS', 'MANIFEST_INVALID'];
        expect(expected).toContain(await run);
        for (const key of keysOf(memory, MANIFEST)) {
          if (kind === 'flip-sent') continue;
          const { exportId, source, bundles } = JSON.parse(memory.objects.get(key)!.toString());
          for (const { name } of bundles)
            expect(keysOf(memory)).toContain(`exports/${source.path}/${exportId}/${name}`);
        }
      }
      await packInto(place, { to: new Archive(memory) });
      await packInto(place, { to: new Archive(memory) });
      expect(keysOf(memory, MANIFEST).length).toBeGreaterThanOrEqual(4);
      const { ok } = await verify({ archive: new Archive(memory) });
      expect(ok).toBe(true);
    }),
    { numRuns: 8 },
  );
});

describe.skipIf(!hasSharedCeph())('on a real S3 (needs radosgw)', { timeout: 60_000 }, () => {
  async function bucket(): Promise<{ to: ArchiveLocation; environment: Record<string, string> }> {
    const { endpoint, keys, createBucket } = await sharedCeph();
    const environment = {
      MINIO_ENDPOINT: endpoint,
      MINIO_ROOT_USER: keys.accessKeyId,
      MINIO_ROOT_PASSWORD: keys.secretAccessKey,
    };
    const location = `minio:${await createBucket()}/lake`;
    return { to: { location, context: { environment, remotes: new Map() } }, environment };
  }

  test('small exports, and one that is sent in parts, are packed, verified, and unchanged the next time', async () => {
    const place = placeWith({ ...LARGE, 'silver/a/dt=1/x.csv': 'a,b\n', 'silver/a/dt=2/x.csv': 'c,d\n' });
    const { to } = await bucket();
    expect((await packInto(place, { to })).totals).toMatchObject({ packed: 3 });
    expect(await verify({ archive: to })).toMatchObject({ ok: true, totals: { exports: 3, findings: 0 } });
    expect((await packInto(place, { to })).totals).toMatchObject({ packed: 0, unchanged: 3 });
  });

  test('killed with SIGKILL in the middle of a bundle, the same command sends only what is not there', async () => {
    const place = placeWith({ 'gold/e/dt=2025-01-01/0.bin': randomBytes(5 * BLOCK_BYTES) });
    const { to, environment } = await bucket();
    const words = [...programWords(makeFolder()), 'export', 'pack', place.lake, '--to', to.location];
    const env = { ...process.env, ...environment, LAKEPACK_STATE_DIR: place.stateDir };
    const child = spawn(process.execPath, words, { env, stdio: 'ignore' });
    const ended = new Promise((resolve) => void child.once('exit', resolve));
    const archive = await openArchive(to, { mode: 'write' });
    const uploads = await UploadJournal.open(place.stateDir, archive.remote.identity);
    await expect
      .poll(async () => (await uploads.all())[0]?.sent.size ?? 0, { timeout: 30_000, interval: 5 })
      .toBeGreaterThan(1);
    child.kill('SIGKILL');
    await ended;
    const [left] = await uploads.all();
    const counted = faulty(archive.remote, []);
    const report = await pack({ lake: place.lake, to: new Archive(counted), stateDir: place.stateDir });
    expect(left?.key).toContain(report.exports[0]?.exportId);
    expect(counted.calls.filter((call) => call.startsWith('begin'))).toEqual([]);
    const sends = counted.calls.filter((call) => call.startsWith('send'));
    expect(sends.length).toBeLessThanOrEqual(6 - left!.sent.size);
    expect(await uploads.all()).toEqual([]);
    for await (const upload of archive.remote.parts!.listUploads('')) expect(upload).toBeUndefined();
    expect(await verify({ archive })).toMatchObject({ ok: true, totals: { exports: 1 } });
    await archive.close();
  });
});
