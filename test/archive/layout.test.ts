import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as layout from '../../src/archive/layout.js';
import { lakePath } from '../schema/arbitraries.js';

const moment = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
});
const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const exportId = fc.tuple(moment, digest).map(([at, scan]) => layout.exportIdOf(at, scan));

describe('export ids', () => {
  test('come back as a moment in whole seconds and the start of the digest', () => {
    fc.assert(
      fc.property(moment, digest, (at, scan) => {
        const parts = layout.parseExportId(layout.exportIdOf(at, scan));
        expect(parts?.createdAt.getTime()).toBe(Math.floor(at.getTime() / 1_000) * 1_000);
        expect(parts?.scanDigestStart).toBe(scan.slice(0, 8));
      }),
    );
  });

  test('sort by time as text', () => {
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        fc.pre(Math.floor(a.getTime() / 1_000) < Math.floor(b.getTime() / 1_000));
        expect(layout.exportIdOf(a, 'f'.repeat(64)) < layout.exportIdOf(b, '0'.repeat(64))).toBe(true);
      }),
    );
  });

  test.each([
    '',
    '20251011T060000Z',
    '20251011T060000Z-0a1b2c3',
    '20251011T060000Z-0a1b2c3d4',
    '20251011T060000Z-0A1B2C3D',
    '20251311T060000Z-0a1b2c3d',
    '20250011T060000Z-0a1b2c3d',
    '20251011T250000Z-0a1b2c3d',
    '20251011T060060Z-0a1b2c3d',
    '2025-10-11T06:00:00Z-0a1b2c3d',
    ' 20251011T060000Z-0a1b2c3d',
    '20251011T060000Z-0a1b2c3d\n',
  ])('%j is none', (text) => expect(layout.parseExportId(text)).toBeUndefined());

  test('the 30th of February is none', () => {
    expect(layout.parseExportId('20250230T060000Z-0a1b2c3d')).toBeUndefined();
  });
});

describe('keys', () => {
  test('of manifests come back', () => {
    fc.assert(
      fc.property(lakePath, exportId, (path, id) => {
        const key = layout.manifestKey(path, id);
        expect(key.startsWith(layout.manifestPrefix(path))).toBe(true);
        expect(layout.parseManifestKey(key)).toMatchObject({ path, exportId: id, manifestKey: key });
        expect(layout.parseBundleKey(key)).toBeUndefined();
      }),
    );
  });

  test('of bundles come back', () => {
    fc.assert(
      fc.property(lakePath, exportId, fc.integer({ min: 1, max: 123_456 }), (path, id, number) => {
        const name = layout.bundleName(id, number);
        const key = layout.bundleKey(path, id, name);
        expect(key.startsWith(layout.exportPrefix(path, id))).toBe(true);
        expect(layout.parseBundleKey(key)).toEqual({ path, exportId: id, name });
        expect(layout.parseManifestKey(key)).toBeUndefined();
      }),
    );
  });

  test('beside a manifest or a bundle are neither', () => {
    const id = '20251011T060000Z-0a1b2c3d';
    for (const key of [layout.besideManifestKey('a/b', layout.filesIndexName(id)), layout.checksumKey('a/b', id)]) {
      expect(layout.parseManifestKey(key)).toBeUndefined();
      expect(layout.parseBundleKey(key)).toBeUndefined();
    }
  });

  test.each([
    'manifests/20251011T060000Z-0a1b2c3d.export.json',
    'manifests/a/20251011T060000Z-0a1b2c3d.export.json.tmp',
    'manifests/a/run-20251011-060000.manifest.json',
    'manifests/a/x.export.json',
    'exports/a/20251011T060000Z-0a1b2c3d.export.json',
    'x/manifests/a/20251011T060000Z-0a1b2c3d.export.json',
    'manifests/a/20251311T060000Z-0a1b2c3d.export.json',
  ])('%s is no manifest', (key) => expect(layout.parseManifestKey(key)).toBeUndefined());

  test.each([
    'exports/20251011T060000Z-0a1b2c3d/20251011T060000Z-0a1b2c3d-00001.tar.zst',
    'exports/a/20251011T060000Z-0a1b2c3d/20251011T060000Z-ffffffff-00001.tar.zst',
    'exports/a/20251011T060000Z-0a1b2c3d/20251011T060000Z-0a1b2c3d-1.tar.zst',
    'exports/a/20251011T060000Z-0a1b2c3d/20251011T060000Z-0a1b2c3d-00001.tar',
    'exports/a/x/x-00001.tar.zst',
  ])('%s is no bundle', (key) => expect(layout.parseBundleKey(key)).toBeUndefined());

  test('are those of the format', () => {
    const id = '20251011T060000Z-0a1b2c3d';
    expect([
      layout.manifestKey('silver/x', id),
      layout.besideManifestKey('silver/x', layout.filesIndexName(id)),
      layout.bundleKey('silver/x', id, layout.bundleName(id, 1)),
      layout.checksumKey('silver/x', id),
      layout.manifestPrefix(),
    ]).toEqual([
      `manifests/silver/x/${id}.export.json`,
      `manifests/silver/x/${id}.files.jsonl.zst`,
      `exports/silver/x/${id}/${id}-00001.tar.zst`,
      `exports/silver/x/${id}/SHA256SUMS`,
      'manifests/',
    ]);
  });
});
