/** Which format a file is taken for, and what is said of it. */
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { inspect } from './look.js';

describe('a look at a file', () => {
  test.each<[string, Buffer, unknown]>([
    ['a/b.jsonl', Buffer.from('{}\n{}\n'), { format: 'jsonl', rows: 2 }],
    ['a/b.NDJSON', Buffer.from('{}'), { format: 'jsonl', rows: 1 }],
    ['a/b.jsonl.gz', zlib.gzipSync('{}\n{}\n'), { format: 'jsonl', compression: 'gzip', rows: 2 }],
    ['a/b.csv', Buffer.from('x,y\n1,2\n'), { format: 'csv', rows: 1 }],
    ['a/b.csv.gz', zlib.gzipSync('x,y\n1,2\n'), { format: 'csv', compression: 'gzip', rows: 1 }],
    ['a/b.csv', Buffer.from('x\n"open'), { format: 'csv' }],
    ['a/b.json', Buffer.from('{}'), { format: 'json' }],
    ['a/cve=1.json.gz', zlib.gzipSync('{}'), { format: 'json', compression: 'gzip' }],
    ['a/b.jsonl.zst', Buffer.from('x\n'), { format: 'jsonl', compression: 'zstd' }],
    ['a/b.bin', Buffer.from('abcdef'), undefined],
    ['a/b.csv', Buffer.alloc(0), { format: 'csv', rows: 0 }],
    ['a/b.constructor', Buffer.from('x'), undefined],
    ['a.csv/b', Buffer.from('x'), undefined],
    ['csv', Buffer.from('x'), undefined],
  ])('%s', async (path, data, content) => {
    for (const chunkBytes of [1, 7, 65_536]) {
      const inspection = await inspect(path, data, { chunkBytes });
      expect(inspection.content).toEqual(content);
      expect(inspection.findings).toEqual([]);
    }
  });

  test('that is quick gives formats, and no rows of text', async () => {
    expect((await inspect('a.csv', Buffer.from('x\n1\n'), { mode: 'quick' })).content).toEqual({ format: 'csv' });
    const gzip = zlib.gzipSync('{}\n');
    expect((await inspect('a.jsonl.gz', gzip, { mode: 'quick' })).content).toEqual({
      format: 'jsonl',
      compression: 'gzip',
    });
  });
});
