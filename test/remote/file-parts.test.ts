/** Uploads of the folder remote: what is on the disk meanwhile, and what killed processes and power cuts leave. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileRemote, openFileRemote } from '../../src/remote/file.js';
import type { PartBody, PartStore, Upload, UploadInfo } from '../../src/remote/remote.js';
import { expectCode, keysOf, pattern } from './bodies.js';
import { sha256Of } from './memory-parts.js';

const KEY = 'exports/p/x-00001.tar.zst';
const SIZE = 1_000;
/** Linux gives no process an id above 2^22. */
const EXITED = 4_194_304 + 1;

let folder: string;
let remote: FileRemote;
let parts: PartStore;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'lakepack-parts-'));
  remote = openFileRemote(folder);
  parts = remote.parts!;
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

function body(number: number, seed = number, length = SIZE): PartBody {
  const bytes = pattern(length, seed);
  return { number, offset: (number - 1) * SIZE, bytes, sha256: sha256Of(bytes) };
}

async function files(): Promise<readonly string[]> {
  const found = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

/** That of an upload without a name stands before that of its object. */
async function recordFile(): Promise<string> {
  const record = (await files()).find((file) => path.basename(file).startsWith('..'));
  return record!;
}

async function uploads(prefix = ''): Promise<readonly UploadInfo[]> {
  const found: UploadInfo[] = [];
  for await (const upload of parts.listUploads(prefix)) found.push(upload);
  return found;
}

/** As if the process that began it had another id, and is gone. */
async function orphan(upload: Upload): Promise<Upload> {
  const id = upload.id.replace(/-\d+-/, `-${EXITED}-`);
  for (const file of await files()) await fs.rename(file, file.replace(upload.id, id));
  return { ...upload, id };
}

describe('an upload into a folder', () => {
  test('is two hidden files beside the object, which no list and no key shows', async () => {
    const upload = await parts.begin(KEY);
    await parts.send(upload, body(1));
    expect((await files()).map((file) => path.basename(file)).toSorted()).toEqual([
      `..${upload.id}.partial`,
      `.x-00001.tar.zst.${upload.id}.partial`,
    ]);
    expect(await keysOf(remote.list(''))).toEqual([]);
    for (const file of await files()) await expectCode(remote.head(path.relative(folder, file)), 'PATH_UNSAFE');
  });

  test('given up takes the folders along that it leaves empty', async () => {
    await parts.abort(await parts.begin('exports/p/q/x'));
    expect(await fs.readdir(path.join(folder, 'exports'))).toEqual([]);
  });

  test('completed is made durable by the next flush, with its folders', async () => {
    const upload = await parts.begin(KEY);
    await parts.complete(upload, [await parts.send(upload, body(1))]);
    await remote.flush();
    await fs.rm(path.join(folder, KEY));
    await remote.flush();
    const again = await parts.begin(KEY);
    await parts.complete(again, [await parts.send(again, body(1))]);
    await fs.rm(path.join(folder, KEY));
    await expectCode(remote.flush(), 'NOT_FOUND');
  });

  test('a hole between its parts is no object', async () => {
    const upload = await parts.begin(KEY);
    const sent = [await parts.send(upload, body(1)), await parts.send(upload, body(3))];
    await expectCode(parts.complete(upload, sent), 'INTERNAL');
    await expectCode(parts.complete(upload, [sent[0]!, { ...sent[1]!, number: 2 }]), 'INTERNAL');
    expect(await keysOf(remote.list(''))).toEqual([]);
  });

  test('a folder at its key: TARGET_CONFLICT', async () => {
    await remote.put('a/b', Buffer.from('x'));
    await expectCode(parts.begin('a'), 'TARGET_CONFLICT');
    await expectCode(parts.begin('a/b/c'), 'TARGET_CONFLICT');
    expect(await uploads()).toEqual([]);
  });

  test.each([199, 200, 201, 254])('an object with a name of %i bytes is found and completed', async (length) => {
    const key = `a/${'\u00e9'.repeat(Math.floor(length / 2))}${length % 2 === 0 ? '' : 'x'}`;
    const upload = await parts.begin(key);
    expect(await uploads('a/')).toMatchObject([upload]);
    expect(await uploads(key)).toMatchObject([upload]);
    await parts.complete(upload, [await parts.send(upload, body(1))]);
    expect(await keysOf(remote.list(''))).toEqual([key]);
    expect(await files()).toHaveLength(1);
  });

  test.each(['', '../../x', 'a/b', '0123abcd-1-0123456789ab/../../x', '0123abcd-1-0123456789ab'])(
    'with the id %j is none, and nothing is touched',
    async (id) => {
      await remote.put('a', Buffer.from('x'));
      await expectCode(parts.listParts({ key: KEY, id }), 'NOT_FOUND');
      await expectCode(parts.send({ key: KEY, id }, body(1)), 'NOT_FOUND');
      await expectCode(parts.complete({ key: KEY, id }, []), 'NOT_FOUND');
      await parts.abort({ key: KEY, id });
      expect(await files()).toEqual([path.join(folder, 'a')]);
    },
  );

  test('says when it was begun', async () => {
    const before = Date.now();
    await parts.begin(KEY);
    const [found] = await uploads();
    expect(found!.begunAt!.getTime()).toBeGreaterThanOrEqual(before - 1);
  });
});

describe('what a killed process leaves of an upload', () => {
  test('is not swept, because another may go on with it; abort removes it', async () => {
    const begun = await parts.begin(KEY);
    const sent = await parts.send(begun, body(1));
    const upload = await orphan(begun);
    expect(await remote.sweepTemporary('')).toBe(0);
    expect(await uploads()).toMatchObject([upload]);
    expect(await parts.listParts(upload)).toEqual([sent]);
    await parts.abort(upload);
    expect(await files()).toEqual([]);
  });

  test.runIf(os.platform() === 'linux')('is swept where only one of its two files is there', async () => {
    await orphan(await parts.begin(KEY));
    await fs.rm(await recordFile());
    expect(await uploads()).toEqual([]);
    expect(await remote.sweepTemporary('')).toBe(1);
    await orphan(await parts.begin(KEY));
    const record = await recordFile();
    for (const file of await files()) if (file !== record) await fs.rm(file);
    expect(await uploads()).toEqual([]);
    expect(await remote.sweepTemporary('')).toBe(1);
    await orphan(await parts.begin(KEY));
    await fs.truncate(await recordFile(), 10);
    expect(await uploads()).toEqual([]);
    expect(await remote.sweepTemporary('')).toBe(2);
  });

  test('a line of the record that was cut off counts for nothing, and the next one is read', async () => {
    const upload = await parts.begin(KEY);
    await parts.send(upload, body(1));
    await parts.send(upload, body(2));
    const record = await recordFile();
    await fs.truncate(record, (await fs.stat(record)).size - 20);
    expect((await parts.listParts(upload)).map(({ number }) => number)).toEqual([1]);
    await parts.send(upload, body(3));
    expect((await parts.listParts(upload)).map(({ number }) => number)).toEqual([1, 3]);
  });

  test('a part that was being replaced is no part any more', async () => {
    const upload = await parts.begin(KEY);
    await parts.send(upload, body(1));
    await fs.appendFile(await recordFile(), '\n{"number":1}\n');
    expect(await parts.listParts(upload)).toEqual([]);
  });

  test('parts that were written before the machine started again are sent again', async () => {
    const upload = await parts.begin(KEY);
    await parts.send(upload, body(1));
    await parts.send(upload, body(2));
    const record = await recordFile();
    const lines = (await fs.readFile(record, 'utf8')).split('\n');
    const old = lines.map((line) =>
      line.includes('"number":1,') ? line.replace(/"boot":"[^"]*"/, '"boot":"old"') : line,
    );
    await fs.writeFile(record, old.join('\n'));
    const known = (await parts.listParts(upload)).map(({ number }) => number);
    expect(known).toEqual(os.platform() === 'linux' ? [2] : [1, 2]);
  });

  test('between the publishing and the clean-up: complete is repeated, its parts are not written again', async () => {
    const upload = await parts.begin(KEY);
    const sent = [await parts.send(upload, body(1))];
    const data = (await files()).find((file) => path.basename(file).startsWith('.x'))!;
    await fs.link(data, path.join(folder, KEY));
    await expectCode(parts.send(upload, body(1, 9)), 'NOT_FOUND');
    await expectCode(parts.listParts(upload), 'NOT_FOUND');
    await parts.complete(upload, sent);
    expect(await files()).toEqual([path.join(folder, KEY)]);
    expect((await remote.read(KEY, SIZE)).equals(body(1).bytes)).toBe(true);
  });

  test('records that say something else are not believed', async () => {
    const upload = await parts.begin(KEY);
    await fs.writeFile(await recordFile(), '{"name":"../../x","begunAt":"2026-01-01T00:00:00Z"}\n');
    expect(await uploads()).toEqual([]);
    await fs.writeFile(
      await recordFile(),
      '{"name":"x-00001.tar.zst","begunAt":"someday"}\n[]\nnull\n{"number":"1"}\n',
    );
    expect(await uploads()).toEqual([]);
    expect(await parts.listParts(upload)).toEqual([]);
  });

  test('is gone on with after a kill -9 in the middle of a part', async () => {
    const script = `
      import { createHash } from 'node:crypto';
      import { openFileRemote } from ${JSON.stringify(new URL('../../src/remote/file.ts', import.meta.url).href)};
      const { parts } = openFileRemote(${JSON.stringify(folder)});
      const upload = await parts.begin(${JSON.stringify(KEY)});
      const send = (number) => {
        const bytes = Buffer.alloc(${SIZE}, number);
        return parts.send(upload, { number, offset: (number - 1) * ${SIZE}, bytes, sha256: createHash('sha256').update(bytes).digest('hex') });
      };
      await send(2);
      await send(1);
      console.log(JSON.stringify(upload));
      for (;;) await send(3);
    `;
    const writer = spawn('node', ['--import', 'tsx', '--input-type=module', '--eval', script], { stdio: 'pipe' });
    const [line] = (await once(writer.stdout, 'data')) as [Buffer];
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    const upload = JSON.parse(line.toString()) as Upload;
    expect(await uploads()).toMatchObject([upload]);
    expect((await parts.listParts(upload)).map(({ number }) => number).slice(0, 2)).toEqual([1, 2]);
    await parts.send(upload, body(3, 3, 10));
    await parts.complete(upload, await parts.listParts(upload));
    const expected = Buffer.concat([Buffer.alloc(SIZE, 1), Buffer.alloc(SIZE, 2), body(3, 3, 10).bytes]);
    expect((await remote.read(KEY, 3 * SIZE)).equals(expected)).toBe(true);
    expect(await files()).toHaveLength(1);
  });
});
