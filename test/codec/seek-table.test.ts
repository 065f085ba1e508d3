import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSeekTable,
  encodeSeekTable,
  MAX_SEEK_TABLE_FRAMES,
  SEEK_TABLE_FOOTER_BYTES,
  seekTableSizeFromFooter,
} from '../../src/codec/seek-table.js';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { codeOf } from './chunks.js';

const FRAMES = [
  { storedBytes: 1_000, contentBytes: 4_194_304 },
  { storedBytes: 8, contentBytes: 0 },
];

const entries = fc.array(
  fc.record({ storedBytes: fc.integer({ min: 8, max: 0xffffffff }), contentBytes: fc.nat({ max: 0xffffffff }) }),
  { maxLength: 50 },
);

describe('the seek table', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(entries, (frames) => {
        const table = encodeSeekTable(frames);
        expect(decodeSeekTable(table)).toEqual(frames);
        expect(seekTableSizeFromFooter(table.subarray(-SEEK_TABLE_FOOTER_BYTES))).toEqual({
          frames: frames.length,
          bytes: table.length,
        });
      }),
    );
  });

  it('is the bytes that the specification shows', () => {
    expect(encodeSeekTable([{ storedBytes: 0x01020304, contentBytes: 0x0a0b0c0d }]).toString('hex')).toBe(
      ['5e2a4d18', '11000000', '04030201', '0d0c0b0a', '01000000', '00', 'b1ea928f'].join(''),
    );
  });

  it('is a skippable frame, which every decoder passes over', () => {
    const table = encodeSeekTable(FRAMES);
    expect(walkFrame(table)).toMatchObject({ kind: 'skippable', storedBytes: table.length, maxContentBytes: 0 });
  });

  it('is read with checksums and with unused bits set', () => {
    const table = Buffer.from(
      ['5e2a4d18', '15000000', '64000000', 'c8000000', 'deadbeef', '01000000', '83', 'b1ea928f'].join(''),
      'hex',
    );
    expect(decodeSeekTable(table)).toEqual([{ storedBytes: 100, contentBytes: 200 }]);
    expect(seekTableSizeFromFooter(table.subarray(-9))).toEqual({ frames: 1, bytes: table.length });
  });

  const faults: readonly (readonly [string, (table: Buffer) => Buffer])[] = [
    ['an empty buffer', () => Buffer.alloc(0)],
    ['a wrong magic number in front', (table) => patched(table, 0, 0x5d)],
    ['a wrong magic number at the end', (table) => patched(table, table.length - 1, 0)],
    ['a reserved bit', (table) => patched(table, table.length - 5, 0x04)],
    ['a frame size that is too small', (table) => patched(table, 4, 24)],
    ['one frame more than there are entries', (table) => patched(table, table.length - 9, 3)],
    ['one frame less than there are entries', (table) => patched(table, table.length - 9, 1)],
    ['a checksum flag without checksums', (table) => patched(table, table.length - 5, 0x80)],
    ['a number of frames beyond all bounds', (table) => patched(table, table.length - 6, 0xff)],
    ['a frame of no stored bytes', (table) => patched(table, 16, 0)],
    ['a byte in front', (table) => Buffer.concat([Buffer.alloc(1), table])],
    ['a byte missing in front', (table) => table.subarray(1)],
  ];

  it.each(faults)('is refused with %s', async (_name, damage) => {
    expect(await codeOf(() => decodeSeekTable(damage(encodeSeekTable(FRAMES))))).toBe('SEEK_TABLE_INVALID');
  });

  it('refuses a footer that is no footer', async () => {
    expect(await codeOf(() => seekTableSizeFromFooter(Buffer.alloc(9)))).toBe('SEEK_TABLE_INVALID');
    expect(await codeOf(() => seekTableSizeFromFooter(encodeSeekTable([])))).toBe('SEEK_TABLE_INVALID');
  });

  it('refuses to write what its fields cannot hold', async () => {
    const many = { length: MAX_SEEK_TABLE_FRAMES + 1 } as unknown as typeof FRAMES;
    expect(await codeOf(() => encodeSeekTable(many))).toBe('LIMIT_EXCEEDED');
    expect(await codeOf(() => encodeSeekTable([{ storedBytes: 2 ** 32, contentBytes: 0 }]))).toBe('LIMIT_EXCEEDED');
  });

  it('raises nothing but its own error for random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.boolean(), async (random, withFooter) => {
        const footer = withFooter ? encodeSeekTable(FRAMES).subarray(-9) : Buffer.alloc(0);
        const bytes = Buffer.concat([random, footer]);
        expect(await codeOf(() => decodeSeekTable(bytes))).toBe('SEEK_TABLE_INVALID');
      }),
    );
  });
});

function patched(table: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(table);
  copy.writeUInt8(value, at);
  return copy;
}
