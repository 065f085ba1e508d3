/**
 * Every byte of a bundle, changed or cut away: a check against its sidecar finds it, always; a check of the bundle by
 * itself finds it, or what it would unpack is the same. LAKEPACK_ALL_FLIPS=1 flips every bit of every byte (two
 * minutes); without it each byte has one flip, of another bit than its neighbour's.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { compressFrame } from '../../src/codec/zstd.js';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { TarReader } from '../../src/codec/tar-reader.js';
import { framesOf, joinFrames, tarOf, type StoredFrame } from './forge.js';
import { check, checkAndUnpack, errorsOf, type Built } from './kit.js';
import { recut, smallBundle } from './small.js';

const ALL_MASKS = [0xff, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80];
const MASKS_EACH = process.env['LAKEPACK_ALL_FLIPS'] === '1' ? ALL_MASKS.length : 1;
/** Of tar: several frames of both kinds, and no more, since most of the time here goes into decoding each of them. */
const FRAME_BYTES = 4_096;
const TIMEOUT_MS = 120_000 * MASKS_EACH;

let small: Built;
let frames: StoredFrame[];
let tar: Buffer;
/** The same without change: what must come out wherever no error is told. */
let unpacked: Map<string, string>;

beforeAll(async () => {
  small = await smallBundle(FRAME_BYTES);
  frames = await framesOf(small.bytes);
  tar = await tarOf(small.bytes);
  ({ unpacked } = await checkAndUnpack(small.bytes));
});

function* flips(): Generator<{ at: number; mask: number; bytes: Buffer }> {
  for (let at = 0; at < small.bytes.length; at += 1) {
    for (let n = 0; n < MASKS_EACH; n += 1) {
      const mask = ALL_MASKS[(at + n) % ALL_MASKS.length]!;
      const bytes = Buffer.from(small.bytes);
      bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
      yield { at, mask, bytes };
    }
  }
}

test('the bundle is small, has raw and compressed frames, and is whole', async () => {
  expect(small.bytes.length).toBeLessThan(12_000);
  expect(new Set(frames.map(({ stored }) => walkFrame(stored)?.allRaw))).toEqual(new Set([true, false]));
  expect((await check(small.bytes, small)).findings).toEqual([]);
  expect((await check(small.bytes)).findings).toEqual([]);
  expect(unpacked.size).toBe(6);
});

describe('every byte flipped', () => {
  test(
    'is found with the sidecar',
    async () => {
      for (const { at, mask, bytes } of flips()) {
        const result = await check(bytes, small);
        const codes = new Set(errorsOf(result).map(({ code }) => code));
        // Whatever else it finds: the SHA-256 of the whole and of the block are never right.
        if (!codes.has('BUNDLE_HASH_WRONG') || !codes.has('BLOCK_HASH_WRONG')) expect.fail(`byte ${at}, bits ${mask}`);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'is found without it, or changes nothing that is unpacked, and for a known reason',
    async () => {
      const reasons = new Map<string, number>();
      for (const { at, mask, bytes } of flips()) {
        const result = await checkAndUnpack(bytes);
        if (errorsOf(result.check).length > 0) continue;
        expect(result.unpacked, `byte ${at}, bits ${mask}`).toEqual(unpacked);
        const reason = await whyUnseen(at, bytes);
        expect(reason, `byte ${at}, bits ${mask} was not found, and nothing explains it`).toBeDefined();
        reasons.set(reason!, (reasons.get(reason!) ?? 0) + 1);
      }
      const unseen = [...reasons.values()].reduce((sum, count) => sum + count, 0);
      expect(unseen).toBeLessThan((small.bytes.length * MASKS_EACH) / 100);
    },
    TIMEOUT_MS,
  );

  /** Why a bundle by itself cannot show this change; undefined where it should. */
  async function whyUnseen(at: number, changed: Buffer): Promise<string | undefined> {
    const frame = frames.findLast(({ storedOffset }) => storedOffset <= at)!;
    const inFrame = at - frame.storedOffset;
    if (inFrame >= frame.stored.length) {
      const descriptorAt = small.bytes.length - 5;
      return at === descriptorAt ? 'the two bits of the seek table that mean nothing' : undefined;
    }
    if (inFrame === 4) return 'the bit of the frame header that decoders ignore';
    if (inFrame === 5 && walkFrame(frame.stored)?.allRaw === false) return 'another window that is large enough';
    const decoded = await tarOf(changed);
    if (decoded.equals(tar)) return 'bits of a compressed block that no symbol uses';
    const changes = [...decoded.keys()].filter((byte) => decoded[byte] !== tar[byte]);
    if (changes.every((byte) => isIn(checksumFields(), byte))) return 'a header checksum written another way';
    if (changes.every((byte) => isIn(paxKeys(), byte))) return 'a PAX path that repeats the name of the block';
    // The checksum is a sum: a block whose bytes changed places, the magic too, is a header without magic to a reader.
    const isHeader = changes.every((byte) => isIn(headers().map(blocksOf), byte));
    return isHeader ? 'a header of the same sum that says the same' : undefined;
  }

  function blocksOf({ headerOffset, dataOffset }: { headerOffset: number; dataOffset: number }): [number, number] {
    return [headerOffset, dataOffset];
  }

  function isIn(ranges: readonly (readonly [number, number])[], byte: number): boolean {
    return ranges.some(([from, to]) => byte >= from && byte < to);
  }

  /** Eight bytes of each header: `0001234\0` and ` 001234 ` are the same number. */
  function checksumFields(): [number, number][] {
    return headers().flatMap(({ headerOffset, dataOffset }) =>
      Array.from({ length: (dataOffset - headerOffset) / 512 }, (_, block): [number, number] => {
        const at = headerOffset + 512 * block + 148;
        return [at, at + 8];
      }),
    );
  }

  /** PAX has no checksum: with another key the record says nothing, and the block has the same name. */
  function paxKeys(): [number, number][] {
    return headers()
      .filter(({ headerOffset, dataOffset }) => dataOffset - headerOffset > 512)
      .map(({ headerOffset, dataOffset }) => [headerOffset + 512, dataOffset - 512]);
  }

  function headers(): { headerOffset: number; dataOffset: number }[] {
    const found = [...new TarReader({ subject: 'kit', strictPadding: true }).push(tar)];
    return found.flatMap((event) => (event.type === 'entry' ? [event.entry] : []));
  }
});

describe('a bundle cut short', () => {
  test(
    'at every length is found: by itself, and with its sidecar',
    async () => {
      for (let length = 0; length < small.bytes.length; length += 1) {
        const result = await check(small.bytes.subarray(0, length), length % 2 === 0 ? small : undefined);
        if (!result.findings.some(({ code }) => code === 'SEEK_TABLE_INVALID')) expect.fail(`${length} bytes`);
      }
    },
    TIMEOUT_MS,
  );

  test('at every frame boundary, and around it, is found either way', async () => {
    for (const { storedOffset } of [...frames, { storedOffset: small.facts.seekTable.offset }]) {
      for (const length of [storedOffset - 1, storedOffset, storedOffset + 1].filter((at) => at >= 0)) {
        for (const against of [small, undefined]) {
          const result = await check(small.bytes.subarray(0, length), against);
          expect(errorsOf(result).length).toBeGreaterThan(0);
          expect(await check(small.bytes.subarray(0, length), against, { depth: 'stored' })).toMatchObject({
            findings: expect.arrayContaining([expect.objectContaining({ code: 'SEEK_TABLE_INVALID' })]),
          });
        }
      }
    }
  });

  test('with a seek table that fits, at every frame, is found either way', async () => {
    for (let kept = 0; kept < frames.length; kept += 1) {
      const bytes = joinFrames(frames.slice(0, kept));
      for (const against of [small, undefined]) expect(errorsOf(await check(bytes, against)).length).toBeGreaterThan(0);
    }
  });

  test('at every block of the tar, with frames and seek table that fit, is found either way', async () => {
    for (let end = 0; end < tar.length; end += 512) {
      const content = tar.subarray(0, end);
      const bytes = end === 0 ? joinFrames([]) : await recut(content, 4_096);
      for (const against of [small, undefined]) {
        const result = await check(bytes, against);
        if (errorsOf(result).length === 0) expect.fail(`a tar of ${end} bytes`);
      }
    }
  });

  test('before the end of archive it says which files are gone', async () => {
    const start = small.entries.find(({ path }) => path === 'c/run.sh')!.offset - 512;
    const bytes = joinFrames([
      { stored: await compressFrame(tar.subarray(0, start), 3), content: tar.subarray(0, start) },
    ]);
    const missing = (await check(bytes, small)).findings.filter(({ code }) => code === 'FILE_MISSING');
    expect(missing.map(({ where }) => where.path)).toEqual(['c/run.sh']);
  });
});
