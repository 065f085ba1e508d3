/** Bags that lie: tar, frames, seek table and tag manifest agree, and one thing in the bag is not what it should be. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { FindingCode } from '../../src/base/findings.js';
import { encodeTarBlock } from '../../src/codec/tar-block.js';
import { END_OF_ARCHIVE } from '../../src/codec/tar.js';
import { bundleOfTar, factsOf, forge, partsOf, retagged, rewritten, tarFrom, tarOf, type TarPart } from './forge.js';
import { build, check, codesOf, sha256Of, type Built, type Tree } from './kit.js';

const TREE: Tree = { 'a/one': 'one', 'b/empty': null, 'b/two': 'two', 'c/%three': 'three', 'd/four': '' };
let built: Built;
beforeAll(async () => {
  built = await build(TREE, {
    contents: { 'a/one': { format: 'csv', rows: 7 }, 'b/two': { format: 'parquet', rows: 3, columns: [] } },
    executable: ['b/two'],
  });
});

type Change = (parts: readonly TarPart[]) => readonly TarPart[];
const MANIFEST = 'manifest-sha256.txt';
const FILES = 'lakepack/files.jsonl';
const EXPORT = 'lakepack/export.json';
const SUMS = 'lakepack/sha256sums.txt';

function part(name: string, text = 'forged'): TarPart {
  return { name, type: 'file', content: Buffer.from(text), mtime: 0, executable: false };
}
function edited(name: string, change: Partial<TarPart>): Change {
  return (parts) => parts.map((one) => (one.name === name ? { ...one, ...change } : one));
}
function without(name: string): Change {
  return (parts) => parts.filter((one) => one.name !== name);
}
function behind(name: string, more: TarPart): Change {
  return (parts) => parts.flatMap((one) => (one.name === name ? [one, more] : [one]));
}
function text(name: string, change: (text: string) => string): Change {
  return (parts) => {
    const changed = rewritten(parts, name, change);
    if (changed.every((one, n) => one.content.equals(parts[n]!.content))) throw new Error(`${name}: nothing changed`);
    return changed;
  };
}
function json(change: (value: Record<string, never>) => object): Change {
  return text(EXPORT, (old) => JSON.stringify(change(JSON.parse(old) as Record<string, never>), undefined, 2));
}

async function codes(change: Change, options?: Parameters<typeof forge>[2]): Promise<readonly string[][]> {
  const forged = await forge(built, change, options);
  const found = [await check(forged.bytes, forged), await check(forged.bytes)];
  return found.map((one) => [...codesOf(one)]);
}

test('what is put together again without a change is whole', async () => {
  expect(await codes((parts) => parts)).toEqual([[], []]);
});

/** What, the change, the code a sidecar gives, and the code that a bundle by itself gives. */
const LIES: readonly (readonly [string, Change, FindingCode, FindingCode | undefined])[] = [
  ['a file more', behind('data/b/two', part('data/b/two2')), 'FILE_UNEXPECTED', 'BAG_INVALID'],
  [
    'a folder more',
    behind('data/b/two', { ...part('data/b/two2', ''), type: 'directory' }),
    'FILE_UNEXPECTED',
    'BAG_INVALID',
  ],
  ['a file less', without('data/b/two'), 'FILE_MISSING', 'BAG_INVALID'],
  ['the last file less', without('data/d/four'), 'FILE_MISSING', 'BAG_INVALID'],
  ['a folder less', without('data/b/empty'), 'FILE_MISSING', 'BAG_INVALID'],
  ['a file of another name', edited('data/b/two', { name: 'data/b/zwei' }), 'FILE_UNEXPECTED', 'BAG_INVALID'],
  ['another content', edited('data/a/one', { content: Buffer.from('0ne') }), 'FILE_HASH_WRONG', 'BAG_INVALID'],
  ['another size', edited('data/a/one', { content: Buffer.from('ones') }), 'FILE_FACTS_WRONG', 'BAG_INVALID'],
  ['another time', edited('data/a/one', { mtime: 5 }), 'FILE_FACTS_WRONG', 'BAG_INVALID'],
  ['another mode', edited('data/b/two', { executable: false }), 'FILE_FACTS_WRONG', 'BAG_INVALID'],
  ['a folder for a file', edited('data/d/four', { type: 'directory' }), 'BAG_INVALID', 'BAG_INVALID'],
  [
    'a file twice',
    (parts) =>
      behind(
        'data/a/one',
        parts.find(({ name }) => name === 'data/a/one')!,
      )(parts),
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  [
    'files out of order',
    (parts) => [...parts.slice(0, 2), parts[3]!, parts[2]!, ...parts.slice(4)],
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['a path that leaves the bag', behind('data/d/four', part('data/../../x')), 'BAG_INVALID', 'BAG_INVALID'],
  ['a file behind the tag files', behind('tagmanifest-sha256.txt', part('data/e')), 'FILE_UNEXPECTED', 'BAG_INVALID'],
  [
    'the payload before bagit.txt',
    (parts) => [...parts.slice(2, 4), ...parts.slice(0, 2), ...parts.slice(4)],
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['a tag file more', behind('RESTORE.md', part('fetch.txt')), 'BAG_INVALID', 'BAG_INVALID'],
  ['tag files in another order', (parts) => [parts[1]!, parts[0]!, ...parts.slice(2)], 'BAG_INVALID', 'BAG_INVALID'],
  ...['bagit.txt', 'RESTORE.md', 'bag-info.txt', MANIFEST, EXPORT, FILES, SUMS, 'tagmanifest-sha256.txt'].map(
    (name) => [`no ${name}`, without(name), 'BAG_INVALID', 'BAG_INVALID'] as const,
  ),
  ...['bagit.txt', MANIFEST, FILES, SUMS].map(
    (name) =>
      [`a byte order mark in ${name}`, text(name, (old) => `\ufeff${old}`), 'BAG_INVALID', 'BAG_INVALID'] as const,
  ),
  ...[MANIFEST, FILES, SUMS].flatMap((name) => [
    [
      `${name} without its first line`,
      text(name, (old) => old.slice(old.indexOf('\n') + 1)),
      'BAG_INVALID',
      'BAG_INVALID',
    ] as const,
    [
      `${name} without its last line`,
      text(name, (old) => old.replace(/[^\n]*\n$/, '')),
      'BAG_INVALID',
      'BAG_INVALID',
    ] as const,
    [
      `${name} without its last line feed`,
      text(name, (old) => old.slice(0, -1)),
      'BAG_INVALID',
      'BAG_INVALID',
    ] as const,
    [
      `${name} with a line twice`,
      text(name, (old) => old.replace(/^([^\n]*\n)/, '$1$1')),
      'BAG_INVALID',
      'BAG_INVALID',
    ] as const,
    [`${name} with an empty line`, text(name, (old) => `${old}\n`), 'BAG_INVALID', 'BAG_INVALID'] as const,
    [
      `${name} with CR LF`,
      text(name, (old) => old.replaceAll('\n', '\r\n')),
      'BAG_INVALID',
      name === FILES ? undefined : ('BAG_INVALID' as const),
    ] as const,
    [`${name} empty`, text(name, () => ''), 'BAG_INVALID', 'BAG_INVALID'] as const,
    [
      `${name} with another digest`,
      text(name, (old) => old.replace(sha256Of('one'), sha256Of('0ne'))),
      'BAG_INVALID',
      'BAG_INVALID',
    ] as const,
  ]),
  [
    'a manifest that does not encode %',
    text(MANIFEST, (old) => old.replace('%25three', '%three')),
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['a manifest in capitals', text(MANIFEST, (old) => old.toUpperCase()), 'BAG_INVALID', 'BAG_INVALID'],
  ['an entry that is no JSON', text(FILES, (old) => old.replace('{', '[')), 'BAG_INVALID', 'BAG_INVALID'],
  [
    'an entry of another time',
    text(FILES, (old) => old.replace('"mtime":1', '"mtime":2')),
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['an entry of other rows', text(FILES, (old) => old.replace('"rows":7', '"rows":8')), 'BAG_INVALID', undefined],
  [
    'another Payload-Oxum',
    text('bag-info.txt', (old) => old.replace(/Oxum: \d+/, 'Oxum: 99')),
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['no Payload-Oxum', text('bag-info.txt', (old) => old.replace(/Payload-Oxum.*\n/, '')), 'BAG_INVALID', 'BAG_INVALID'],
  ['BagIt 0.97', text('bagit.txt', (old) => old.replace('1.0', '0.97')), 'BAG_INVALID', 'BAG_INVALID'],
  ['an export.json that is no JSON', text(EXPORT, () => '{'), 'EMBEDDED_MANIFEST_WRONG', 'EMBEDDED_MANIFEST_WRONG'],
  [
    'an export.json of version 2',
    json((one) => ({ ...one, formatVersion: 2 })),
    'EMBEDDED_MANIFEST_WRONG',
    'EMBEDDED_MANIFEST_WRONG',
  ],
  [
    'an export.json without a source',
    json(({ source: _, ...one }) => one),
    'EMBEDDED_MANIFEST_WRONG',
    'EMBEDDED_MANIFEST_WRONG',
  ],
  [
    'other totals',
    json((one) => ({ ...one, totals: { files: 9, directories: 1, bytes: 11 } })),
    'EMBEDDED_MANIFEST_WRONG',
    'EMBEDDED_MANIFEST_WRONG',
  ],
  [
    'another partition',
    json((one) => ({ ...one, source: { by: 'partition', path: 'silver/y' } })),
    'BAG_INVALID',
    'BAG_INVALID',
  ],
  ['another number of the bundle', json((one) => ({ ...one, bundle: 2 })), 'BAG_INVALID', 'BAG_INVALID'],
  [
    'another licence',
    json((one) => ({ ...one, provenance: { licence: 'mine' } })),
    'EMBEDDED_MANIFEST_WRONG',
    undefined,
  ],
  [
    'another level',
    json((one) => ({ ...one, tool: { name: 'lakepack', zstdVersion: '1.5.2', level: 9 } })),
    'EMBEDDED_MANIFEST_WRONG',
    undefined,
  ],
];

describe('a lie is found, by the code of what it is about', () => {
  test.each(LIES)('%s', async (_name, change, withSidecar, alone) => {
    const [against = [], byItself = []] = await codes(change);
    expect(against).toContain(withSidecar);
    if (alone === undefined) expect(byItself).toEqual([]);
    else expect(byItself).toContain(alone);
  });

  test('a tag manifest that does not fit', async () => {
    const change = text('RESTORE.md', (old) => old.replace('cp -a', 'rm -r'));
    for (const found of await codes(change, { retag: false })) expect(found).toEqual(['BAG_INVALID']);
  });

  test('sha256sums.txt where no name needs it', async () => {
    const plain = await build({ a: 'a' });
    const sums = part(SUMS, `${sha256Of('a')}  data/a\n`);
    const forged = await forge(plain, behind(FILES, sums));
    for (const against of [forged, undefined]) {
      expect(codesOf(await check(forged.bytes, against))).toEqual(['BAG_INVALID']);
    }
  });

  test('a bag of another name', async () => {
    for (const found of await codes((parts) => parts, { bag: 'silver.y-00001' }))
      expect(found).toContain('BAG_INVALID');
  });

  test('a bundle of another partition, and one of another number', async () => {
    for (const options of [{ partition: 'silver/y' }, { number: 2 }]) {
      const other = await build(TREE, options);
      const against = { ...built, facts: await factsOf(other.bytes, built.facts) };
      expect(codesOf(await check(other.bytes, against))).toContain('BAG_INVALID');
      expect(codesOf(await check(other.bytes, built))).toContain('BUNDLE_HASH_WRONG');
    }
  });

  test('twenty wrong lines are listed, a thousand are not', async () => {
    const many = await build(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, `${n}`])));
    const forged = await forge(
      many,
      text(MANIFEST, (old) => old.replaceAll(/^./gm, 'x')),
    );
    const { findings } = await check(forged.bytes);
    expect(findings.length).toBe(20);
    expect(findings[0]?.message).toContain('line 1');
  });
});

describe('entries that no bag has', () => {
  /** The tar of the bag with one more header in front of `data/b/two`. */
  async function withHeader(typeflag: string, name: string, mode = 0o644): Promise<Buffer> {
    const parts = retagged(partsOf(await tarOf(built.bytes), built.bag));
    const at = parts.findIndex((one) => one.name === 'data/b/two');
    const before = tarFrom(parts.slice(0, at), built.bag).subarray(0, -END_OF_ARCHIVE.length);
    const fields = { name: Buffer.from(name), prefix: Buffer.alloc(0), typeflag, mode, bytes: 0, mtime: 0 };
    const block = encodeTarBlock(fields);
    return bundleOfTar(Buffer.concat([before, block, tarFrom(parts.slice(at), built.bag)]));
  }

  test.each([
    ['a link', '2', 0o777],
    ['a hard link', '1', 0o644],
    ['a device', '3', 0o644],
    ['a fifo', '6', 0o644],
    ['a file that sets the user id', '0', 0o4755],
    ['a file that nobody may read', '0', 0o000],
  ])('%s', async (_name, typeflag, mode) => {
    const bytes = await withHeader(typeflag, `${built.bag}/data/b/link`, mode);
    for (const against of [{ ...built, facts: await factsOf(bytes, built.facts) }, undefined]) {
      expect(codesOf(await check(bytes, against))).toContain('BAG_INVALID');
    }
  });

  test.each(['etc/passwd', '/etc/passwd', '../x', 'data/b/stray', `./x`, 'x'])('%j outside the bag', async (name) => {
    const bytes = await withHeader('0', name);
    for (const against of [{ ...built, facts: await factsOf(bytes, built.facts) }, undefined]) {
      const found = codesOf(await check(bytes, against));
      expect(found.some((code) => code === 'BAG_INVALID')).toBe(true);
    }
  });

  test('are not given to whoever unpacks', async () => {
    const opened = new Set<string>();
    const sink = {
      open: async ({ path }: { readonly path: string }) => {
        opened.add(path);
        return undefined;
      },
    };
    for (const typeflag of ['1', '2', '3', '6']) {
      await check(await withHeader(typeflag, `${built.bag}/data/b/link`), undefined, { sink });
    }
    await check(await withHeader('0', `${built.bag}/data/../../x`), undefined, { sink });
    expect([...opened].filter((path) => !(path in TREE))).toEqual([]);
    expect(opened.size).toBe(Object.keys(TREE).length);
  });
});
