import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError, type LakepackError } from '../../src/base/errors.js';
import { MAX_LINE_BYTES, MAX_MANIFEST_BYTES } from '../../src/base/limits.js';
import {
  parseEmbeddedFileEntry,
  parseEmbeddedManifest,
  parseFileEntry,
  parseManifest,
  readManifest,
} from '../../src/schema/parse-manifest.js';
import { serializeManifest } from '../../src/schema/serialize-manifest.js';
import { embeddedFileEntry, embeddedManifest, exportManifest, fileEntry } from './arbitraries.js';
import {
  changed,
  pointersOf,
  resealed,
  sampleEmbedded,
  sampleEntries,
  sampleManifest,
  sampleWithIndex,
  sealed,
  sealedText,
} from './sample.js';

function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function errorOf(run: () => unknown): LakepackError {
  try {
    run();
  } catch (error) {
    if (isLakepackError(error)) return error;
    throw error;
  }
  throw new Error('expected an error, got a value');
}

function errorOfManifest(value: unknown): LakepackError {
  return errorOf(() => parseManifest(Buffer.isBuffer(value) ? value : sealed(value), 'x.export.json'));
}

describe('what is valid is read', () => {
  test('the samples are valid', () => {
    expect(parseManifest(sealed(sampleManifest), 'x')).toEqual(sampleManifest);
    expect(parseManifest(sealed(sampleWithIndex()), 'x')).toEqual(sampleWithIndex());
    expect(parseEmbeddedManifest(bytesOf(sampleEmbedded), 'x')).toEqual(sampleEmbedded);
  });

  test('every manifest and entry of the arbitraries is valid', () => {
    fc.assert(
      fc.property(
        exportManifest,
        embeddedManifest,
        fileEntry,
        embeddedFileEntry,
        (manifest, embedded, entry, inner) => {
          parseManifest(sealed(manifest), 'x');
          parseEmbeddedManifest(bytesOf(embedded), 'x');
          parseFileEntry(JSON.stringify(entry), 'x');
          parseEmbeddedFileEntry(bytesOf(inner), 'x');
        },
      ),
    );
  });

  test('white space, key order and a key that stands twice do not matter', () => {
    const text = JSON.stringify(sampleManifest, undefined, '\t').replace('{', '{ "formatVersion": 99,');
    expect(parseManifest(sealedText(`\n${text}\n`), 'x')).toEqual(sampleManifest);
  });
});

describe('every field that is required is missed, with its path', () => {
  const optional = [
    /^\/(parent|expiresAt|signature|filesIndex)$/,
    /^\/tool\/version$/,
    /^\/source\/(layer|dataset|keys|runId|scanDigest)$/,
    /^\/source\/keys\//,
    /^\/provenance\/(licence|note|runManifests|runManifestsOmitted)$/,
    /^\/provenance\/runManifests\/\d+(\/content\/.*)?$/,
    /^\/signature\//,
    /\/(type|executable|content)$/,
    /\/content\/(compression|rows|rowGroups|columns|columns\/\d+|damaged)$/,
    /^\/totals\/rows$/,
    /^\/(bundles|files)\/\d+$/,
    /\/blocks\/sha256\/\d+$/,
  ];
  const required = pointersOf(sampleManifest).filter((pointer) => !optional.some((one) => one.test(pointer)));

  test.each(required.filter((pointer) => pointer !== '/files'))('%s', (pointer) => {
    const error = errorOfManifest(changed(sampleManifest, pointer, undefined));
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.message).toContain(`${pointer}: is missing`);
  });

  test.each(pointersOf(sampleWithIndex()).filter((pointer) => pointer.startsWith('/filesIndex/')))('%s', (pointer) => {
    expect(errorOfManifest(changed(sampleWithIndex(), pointer, undefined)).message).toContain(`${pointer}: is missing`);
  });

  test('files and filesIndex: one of them, not both', () => {
    const neither = changed(sampleManifest, '/files', undefined);
    const both = { ...sampleManifest, filesIndex: sampleWithIndex().filesIndex };
    expect(errorOfManifest(neither).message).toBe(
      'x.export.json: expected exactly one of files and filesIndex, got none',
    );
    expect(errorOfManifest(both).message).toBe(
      'x.export.json: expected exactly one of files and filesIndex, got more than one',
    );
  });

  test.each(['formatVersion', 'tool', 'source', 'provenance', 'bundle', 'totals'])('embedded: %s', (key) => {
    const run = (): unknown =>
      parseEmbeddedManifest(bytesOf(changed(sampleEmbedded, `/${key}`, undefined)), 'lakepack/export.json');
    expect(errorOf(run).message).toContain(`/${key}: is missing`);
  });

  test.each(['path', 'bytes', 'sha256', 'mtime', 'bundle', 'offset', 'stored'])('entry: %s', (key) => {
    const run = (): unknown => parseFileEntry(bytesOf(changed(sampleEntries[0], `/${key}`, undefined)), 'line 1');
    expect(errorOf(run).message).toBe(`line 1: /${key}: is missing`);
  });

  test.each(['path', 'bytes', 'sha256', 'mtime'])('embedded entry: %s', (key) => {
    const run = (): unknown =>
      parseEmbeddedFileEntry(bytesOf(changed(sampleEntries[0], `/${key}`, undefined)), 'line 1');
    expect(errorOf(run).message).toBe(`line 1: /${key}: is missing`);
  });
});

describe('every known field is strictly typed', () => {
  const anything = [/^\/signature/, /^\/provenance\/runManifests\/\d+\/content/];
  const documents = { manifest: sampleManifest, 'manifest with an index': sampleWithIndex() };
  const cases = Object.entries(documents).flatMap(([name, document]) =>
    pointersOf(document)
      .filter((pointer) => !anything.some((one) => one.test(pointer)))
      .map((pointer) => ({ name, document, pointer })),
  );

  test.each(cases)('$name $pointer', ({ document, pointer }) => {
    const original = pointer
      .slice(1)
      .split('/')
      .reduce((at: unknown, key) => (at as Record<string, unknown>)[key], document);
    const wrong = [null, [], {}, true, 1.5, -9e15, '', [[]], { a: 1 }].filter((value) => !sameType(value, original));
    for (const value of wrong) {
      const error = errorOfManifest(changed(document, pointer, value));
      expect(error.code).toBe('MANIFEST_INVALID');
      expect(error.message).toContain(pointer);
    }
  });

  function sameType(value: unknown, original: unknown): boolean {
    if (Array.isArray(value) || Array.isArray(original)) return Array.isArray(value) && Array.isArray(original);
    if (value === -9e15 || value === 1.5) return false;
    return typeof value === typeof original && value !== null;
  }

  test.each([1e308, 2 ** 53, -1, 0.5])('a count of %d is refused', (value) => {
    for (const pointer of ['/totals/bytes', '/bundles/0/storedBytes', '/files/0/bytes', '/files/0/stored/offset']) {
      expect(errorOfManifest(changed(sampleManifest, pointer, value)).message).toContain(pointer);
    }
  });
});

describe('versions', () => {
  test.each([2, 3, 1e9])('a newer version (%d) is refused before anything else is looked at', (formatVersion) => {
    for (const parse of [parseManifest, parseEmbeddedManifest]) {
      const error = errorOf(() => parse(bytesOf({ formatVersion, files: 'elsewhere' }), 'x.export.json'));
      expect(error.code).toBe('MANIFEST_VERSION');
      expect(error.hint).toContain('upgrade');
      expect(error.message).toBe(
        `x.export.json: /formatVersion: is newer than this lakepack reads: expected 1, got ${formatVersion}`,
      );
    }
  });

  test.each([0, -1, 1.5, '1', null, true])('%j is no version', (formatVersion) => {
    expect(errorOfManifest({ ...sampleManifest, formatVersion }).code).toBe('MANIFEST_INVALID');
  });
});

describe('faults are told', () => {
  test('all of them, each with its path and what was found', () => {
    const broken = changed(changed(sampleManifest, '/bundles/1/sha256', 'A\u001b[31m'), '/files/2/mtime', 'now');
    expect(errorOfManifest(broken).message).toBe(
      [
        'x.export.json: has 2 faults',
        '/bundles/1/sha256: expected SHA-256 in lower-case hex, got "A\\u001b[31m"',
        '/files/2/mtime: expected integer, got "now"',
      ].join('\n  '),
    );
  });

  test('fifty are listed, the others counted', () => {
    const entry = { ...sampleEntries[0], bytes: 'many' };
    const error = errorOfManifest({ ...sampleManifest, files: Array.from({ length: 2000 }, () => entry) });
    expect(error.message.split('\n')).toHaveLength(52);
    expect(error.message).toContain('has 2000 faults');
    expect(error.message).toContain('/files/49/bytes');
    expect(error.message).toContain('and 1950 more');
  });

  test('readManifest returns them instead', () => {
    const reading = readManifest(sealed(changed(sampleManifest, '/totals/bytes', 701)));
    expect(reading).toMatchObject({ ok: false, code: 'MANIFEST_INVALID', list: { count: 2 } });
    expect(readManifest(serializeManifest(sampleManifest))).toEqual({ ok: true, value: sampleManifest });
  });
});

describe('hostile input', () => {
  test.each([
    ['nothing', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['a number', '1e999'],
    ['cut short', '{"formatVersion": 1'],
    ['a byte order mark', `\ufeff${JSON.stringify(sampleManifest)}`],
    ['deep arrays', `{"formatVersion":1,"x":${'['.repeat(500_000)}${']'.repeat(500_000)}}`],
    ['deep objects', `{"x":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`],
    ['a number that JSON cannot carry', JSON.stringify(sampleManifest).replace('{', '{"unknown":-1e999,')],
  ])('%s is MANIFEST_INVALID', (_name, text) => {
    expect(errorOfManifest(Buffer.from(text)).code).toBe('MANIFEST_INVALID');
    expect(errorOf(() => parseFileEntry(text, 'line 1')).code).toBe('MANIFEST_INVALID');
  });

  test('bytes that are not UTF-8', () => {
    const bytes = serializeManifest(sampleManifest);
    bytes[bytes.indexOf('invented')] = 0xff;
    expect(errorOfManifest(resealed(bytes)).message).toBe('x.export.json: is not valid UTF-8');
    expect(errorOfManifest(bytes).message).toContain('is not valid UTF-8');
  });

  test('what is too large is refused before it is parsed', () => {
    expect(errorOfManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1)).code).toBe('LIMIT_EXCEEDED');
    expect(errorOf(() => parseFileEntry('x'.repeat(MAX_LINE_BYTES + 1), 'line 1')).code).toBe('LIMIT_EXCEEDED');
    expect(errorOf(() => parseFileEntry('é'.repeat(MAX_LINE_BYTES / 2 + 1), 'line 1')).code).toBe('LIMIT_EXCEEDED');
  });

  test('what would take gigabytes when parsed is refused before it is parsed', () => {
    const bytes = Buffer.from(`{"formatVersion":1,"bundles":[${'{},'.repeat(20_000_000)}{}]}`);
    const started = performance.now();
    expect(errorOfManifest(bytes).message).toBe('x.export.json: is too large: expected at most 2000000 values');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test.each([
    ['/files', JSON.stringify(Array.from({ length: 1_500_000 }, () => 1))],
    ['/bundles', JSON.stringify(Array.from({ length: 1_500_000 }, () => 1))],
    ['/source/keys', JSON.stringify(Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`k${n}`, 1])))],
  ])('millions of faults in %s do not fill the memory', (pointer, json) => {
    const text = JSON.stringify(changed(sampleManifest, pointer, 'HERE')).replace('"HERE"', json);
    const error = errorOfManifest(sealedText(text));
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.message).toContain(pointer);
    expect(error.message.length).toBeLessThan(20_000);
  });

  test.each(['../x', '/etc/passwd', 'a/../../x', 'C:/x', '\\\\host\\x', 'a//b', 'a/./b', 'a\0b', '..', 'a\\..\\..\\b'])(
    'the path %j',
    (path) => {
      expect(errorOfManifest(changed(sampleManifest, '/files/0/path', path)).message).toContain('/files/0/path');
      expect(errorOfManifest(changed(sampleManifest, '/source/path', path)).message).toContain('/source/path');
      const pointer = '/provenance/runManifests/0/path';
      expect(errorOfManifest(changed(sampleManifest, pointer, path)).message).toContain(pointer);
      const entry = bytesOf({ ...sampleEntries[0], path });
      expect(errorOf(() => parseFileEntry(entry, 'line 1')).code).toBe('MANIFEST_INVALID');
      expect(errorOf(() => parseEmbeddedFileEntry(entry, 'line 1')).code).toBe('MANIFEST_INVALID');
    },
  );

  test('a lone surrogate in a path', () => {
    const text = JSON.stringify(sampleEntries[0]).replace('part-0', '\\ud800');
    expect(errorOf(() => parseFileEntry(text, 'line 1')).message).toContain('is not valid Unicode');
  });

  test('__proto__ is a key like any other and changes no prototype', () => {
    const text = JSON.stringify(sampleManifest).replace('{', '{"__proto__":{"polluted":true},');
    const manifest = parseManifest(sealedText(text), 'x');
    expect(Object.getPrototypeOf(manifest)).toBe(Object.prototype);
    expect((manifest as object as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(serializeManifest(manifest).toString()).toContain('"__proto__": {\n    "polluted": true\n  }');
  });

  test('__proto__ does not stand in for required fields', () => {
    const text = `{"__proto__":${JSON.stringify(sampleManifest)}}`;
    expect(errorOfManifest(Buffer.from(text)).message).toContain('/exportId: is missing');
    const entry = `{"__proto__":${JSON.stringify(sampleEntries[0])}}`;
    expect(errorOf(() => parseFileEntry(entry, 'line 1')).message).toContain('/path: is missing');
  });

  test('any flipped bit gives a manifest or a LakepackError, never anything else', () => {
    const good = serializeManifest(sampleManifest);
    for (let at = 0; at < good.length; at += 1) {
      for (const mask of [1, 2, 32, 128, 255]) {
        const bad = Buffer.from(good);
        bad.writeUInt8(bad.readUInt8(at) ^ mask, at);
        const reading = readManifest(bad);
        if (!reading.ok) expect(reading.list.count).toBeGreaterThan(0);
      }
    }
  });

  test('any beginning of a manifest is refused', () => {
    const good = serializeManifest(sampleManifest);
    for (let length = 0; length < good.length - 2; length += 1) {
      expect(readManifest(good.subarray(0, length)).ok).toBe(false);
    }
  });

  test('any JSON value gives an entry or a LakepackError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...pointersOf(sampleManifest)), (value, pointer) => {
        readManifest(sealed(value));
        readManifest(sealed(changed(sampleManifest, pointer, value)));
      }),
    );
  });
});
