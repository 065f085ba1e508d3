/** Parquet footers: sound, half-written, hostile; with the test files of other projects where they are present. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { thriftFields, thriftInteger, thriftStructs } from '../../../src/lake/inspect/thrift-guard.js';
import { hasShared, makeFolder, unpackShared } from '../tree.js';
import { codesOf, inspect } from './look.js';

/** What is used here of parquetjs-lite, which has no types. */
interface ParquetJs {
  readonly ParquetSchema: new (fields: object) => object;
  readonly ParquetWriter: {
    openFile(
      schema: object,
      file: string,
    ): Promise<{
      setRowGroupSize(rows: number): void;
      appendRow(row: object): Promise<void>;
      close(): Promise<void>;
    }>;
  };
}

const parquet = createRequire(import.meta.url)('parquetjs-lite') as ParquetJs;

let sound = Buffer.alloc(0);

beforeAll(async () => {
  const file = path.join(makeFolder(), 'x.parquet');
  const schema = new parquet.ParquetSchema({
    id: { type: 'INT64' },
    name: { type: 'UTF8', compression: 'SNAPPY' },
    at: { type: 'TIMESTAMP_MILLIS' },
    tags: { repeated: true, fields: { label: { type: 'UTF8' }, weight: { type: 'DOUBLE' } } },
  });
  const writer = await parquet.ParquetWriter.openFile(schema, file);
  writer.setRowGroupSize(2);
  for (let id = 0; id < 5; id++) {
    await writer.appendRow({ id, name: `row ${id}`, at: new Date(id), tags: [{ label: 'a', weight: 1 }] });
  }
  await writer.close();
  sound = fs.readFileSync(file);
});

describe('a Parquet file', () => {
  test('says its rows, row groups and columns, nested ones by their path', async () => {
    for (const mode of ['full', 'quick'] as const) {
      expect(await inspect('x.parquet', sound, { mode })).toEqual({
        content: {
          format: 'parquet',
          rows: 5,
          rowGroups: 3,
          columns: [
            { name: 'id', type: 'INT64' },
            { name: 'name', type: 'STRING' },
            { name: 'at', type: 'TIMESTAMP_MILLIS' },
            { name: 'tags.label', type: 'STRING' },
            { name: 'tags.weight', type: 'DOUBLE' },
          ],
        },
        findings: [],
      });
    }
  });

  test('is known by its first bytes where it has no extension', async () => {
    expect((await inspect('part-0', sound)).content?.rows).toBe(5);
  });

  test('that is half-written is found so', async () => {
    const cuts = [0, 3, 4, 8, 11, 12, sound.length >> 1, sound.length - 1];
    for (const cut of cuts) {
      const { content, findings } = await inspect('x.parquet', sound.subarray(0, cut));
      expect(content, `${cut}`).toEqual({ format: 'parquet', damaged: true });
      expect(findings[0], `${cut}`).toMatchObject({
        code: 'PARQUET_INCOMPLETE',
        severity: 'warning',
        where: { path: 'x.parquet' },
      });
    }
  });

  test('that lies about its footer is found so', async () => {
    for (const length of [0xffffffff, sound.length - 11, 0]) {
      const lying = Buffer.from(sound);
      lying.writeUInt32LE(length, lying.length - 8);
      expect(codesOf(await inspect('x.parquet', lying))).toEqual(['PARQUET_INCOMPLETE']);
    }
  });

  test('with any footer at all raises no error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const broken = Buffer.from(sound);
          const footer = broken.readUInt32LE(broken.length - 8);
          for (const [at, value] of changes) broken[broken.length - 9 - (at % footer)] = value;
          const { content } = await inspect('x.parquet', broken);
          expect(content?.format).toBe('parquet');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('with a footer of twenty bytes that asks for gigabytes costs nothing', async () => {
    // Field 2, a list of lists of 2^31 items each.
    const bomb = Buffer.from([0x29, 0xf9, 0xff, 0xff, 0xff, 0xff, 0x07, 0xf9, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]);
    const tail = Buffer.alloc(8, 'xxxxPAR1');
    tail.writeUInt32LE(bomb.length);
    const before = process.memoryUsage().rss;
    expect(codesOf(await inspect('x.parquet', Buffer.concat([Buffer.from('PAR1'), bomb, tail])))).toEqual([
      'PARQUET_INCOMPLETE',
    ]);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 << 20);
  });
});

describe('a Thrift struct', () => {
  test.each<[string, number[], boolean]>([
    ['empty', [0], true],
    ['without its end', [0x15, 0x02], false],
    ['with an integer', [0x15, 0x02, 0], true],
    ['with a text longer than the bytes', [0x18, 0x7f, 0x61, 0], false],
    ['with a number that does not end', [0x16, ...Array.from({ length: 11 }, () => 0xff), 0], false],
    ['with a list of three bytes', [0x19, 0x33, 1, 2, 3, 0], true],
    ['with a list longer than the bytes', [0x19, 0xf3, 0xff, 0x7f, 1, 0], false],
    ['with a type that Parquet does not use', [0x1b, 0, 0], false],
    ['too deep', [...Array.from({ length: 100 }, () => 0x1c), ...Array.from({ length: 101 }, () => 0)], false],
  ])('%s: %j is sound: %s', (_, bytes, expected) =>
    expect(thriftFields(Uint8Array.from(bytes)) !== undefined).toBe(expected),
  );

  test('tells where its fields stand, by number', () => {
    // Field 1, i32 5; field 3, i64 -300; field 20, a list of two structs; field 2, binary: numbers may also go back.
    const bytes = [0x15, 10, 0x26, 0xd7, 4, 0x09, 40, 0x2c, 0x13, 7, 0, 0, 0x08, 4, 1, 97, 0];
    const fields = thriftFields(Uint8Array.from(bytes));
    expect([...(fields?.keys() ?? [])]).toEqual([1, 3, 20, 2]);
    expect(thriftInteger(fields?.get(3))).toBe(-300);
    expect(thriftInteger(fields?.get(1))).toBeUndefined();
    expect(thriftInteger(fields?.get(9))).toBeUndefined();
    expect(thriftStructs(fields?.get(20))?.map((one) => [...one])).toEqual([[0x13, 7, 0], [0]]);
    expect(thriftStructs(fields?.get(2))).toBeUndefined();
    expect([...(fields?.get(2)?.bytes ?? [])]).toEqual([1, 97]);
  });

  test('has no integer beyond what is exact', () => {
    const beyond = [0x26, ...Array.from({ length: 8 }, () => 0xff), 0x7f, 0];
    expect(thriftInteger(thriftFields(Uint8Array.from(beyond))?.get(2))).toBeUndefined();
  });
});

const isPresent = hasShared('parquet.tar.zst');

describe.skipIf(!isPresent)(
  `the files of other projects${isPresent ? '' : ' (skipped: ../shared/data is not here)'}`,
  () => {
    test('are all read, but for the one whose footer is bad', async () => {
      const folder = unpackShared('parquet');
      const files = fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.parquet(\.encrypted)?$/.test(name))
        .sort();
      expect(files.length).toBeGreaterThan(280);
      const damaged: string[] = [];
      for (const name of files) {
        const { content, findings } = await inspect(name, fs.readFileSync(path.join(folder, name)));
        if (findings.length > 0) damaged.push(path.basename(name));
        else if (!name.endsWith('.encrypted')) expect(content?.rows, name).toBeTypeOf('number');
        expect(
          (content?.columns ?? []).every(({ type }) => typeof type === 'string'),
          name,
        ).toBe(true);
      }
      expect(damaged).toEqual(['PARQUET-1481.parquet']);
    });
  },
);
