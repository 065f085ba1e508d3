/** Archives behind a web address that lists nothing: what is named whole is verified, shown and restored. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { catalogFiles, catalogList, unpack, verify } from '../../src/index.js';
import { startStaticServer, type StaticServer } from '../servers/static.js';
import { expectCode } from '../remote/bodies.js';
import { packInto, type Place, placeWith, treeOf } from './lakes.js';
import { runCli } from '../cli/run-cli.js';
import * as library from '../../src/index.js';

let place: Place;
let server: StaticServer;
let names: readonly string[];

beforeEach(async () => {
  place = placeWith();
  const { exports } = await packInto(place);
  names = exports.map((one) => `${one.path}/${one.exportId ?? ''}`);
  server = await startStaticServer(place.archive);
});
afterEach(() => server.close());

describe('an address that cannot be listed', () => {
  test('gives what is named as PARTITION/EXPORT-ID', async () => {
    const [archive, select] = [server.endpoint, { exports: names }];
    expect(await verify({ archive, select })).toMatchObject({ ok: true, totals: { exports: 4, files: 4 } });
    await unpack({ from: archive, select, into: place.into });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    const paths: string[] = [];
    for await (const { path } of catalogFiles({ archive, select: { exports: names.slice(0, 1) } })) paths.push(path);
    expect(paths).toHaveLength(2);
  });

  test('says how to name an export, when one is named otherwise', async () => {
    for (const exports of [[], ['silver/apps'], [names[0] ?? '', 'silver/apps']]) {
      await expect(verify({ archive: server.endpoint, select: { exports } })).rejects.toMatchObject({
        code: 'ARCHIVE_UNSUPPORTED',
        hint: expect.stringContaining('PARTITION/EXPORT-ID'),
      });
    }
    await expectCode(catalogList({ archive: server.endpoint }), 'ARCHIVE_UNSUPPORTED');
  });

  test('a name that is not there is NOT_FOUND, and a page that stands for one is called a page', async () => {
    const select = { exports: ['silver/apps/dt=2000-01-01/20251011T080000Z-0a1b2c3d'] };
    await expectCode(catalogList({ archive: server.endpoint, select }), 'NOT_FOUND');
    server.change({ pageForMissing: true });
    await expect(catalogList({ archive: server.endpoint, select })).rejects.toThrow(/a web page, not an archive/);
  });

  test('bytes are never compressed on the way, and a whole object never stands for a range', async () => {
    server.change({ gzip: true });
    expect((await verify({ archive: server.endpoint, select: { exports: names } })).ok).toBe(true);
    expect(server.requests.filter(({ range }) => range !== undefined).length).toBeGreaterThan(0);
  });

  test('works on the command line', async () => {
    const [name = ''] = names;
    const found = await runCli(['catalog', 'show', name, '--archive', server.endpoint, '--json'], library);
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(found.stdout)).toMatchObject({ archive: server.endpoint });
    const refused = await runCli(['verify', '--archive', `${server.endpoint}/?token=hunter2`, '--debug'], library);
    expect(refused.code).toBe(2);
    expect(refused.stdout + refused.stderr).not.toContain('hunter2');
  });
});
