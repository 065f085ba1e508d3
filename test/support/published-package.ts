/**
 * The package as a registry would give it: packed by npm, unpacked into a folder of its own, with only the
 * dependencies beside it that it declares. What it uses undeclared is missing here as it would be there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import tar from 'tar-stream';

export interface PublishedPackage {
  /** A project folder whose node_modules/ has the package. */
  readonly consumer: string;
  readonly packageFolder: string;
  /** The files of the package, sorted. */
  readonly names: readonly string[];
  readonly remove: () => void;
}

export async function publishInto(
  project: string,
  name: string,
  dependencies: readonly string[],
): Promise<PublishedPackage> {
  if (!existsSync(path.join(project, 'dist/bin.js'))) throw new Error('dist/ is missing: run `npm run build` first');
  const consumer = mkdtempSync(path.join(tmpdir(), 'lakepack-package-'));
  const packageFolder = path.join(consumer, 'node_modules', name);
  // --ignore-scripts: without it npm would build again, under the feet of tests that run from dist/.
  const output = runNpm(project, ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer]);
  const [packed] = Object.values(JSON.parse(output) as Record<string, { filename: string }>);
  const names = await unpack(path.join(consumer, packed?.filename ?? ''), packageFolder);
  for (const dependency of dependencies) {
    const link = path.join(consumer, 'node_modules', dependency);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(project, 'node_modules', dependency), link, 'junction');
  }
  return {
    consumer,
    packageFolder,
    names: names.sort(),
    remove: () => rmSync(consumer, { recursive: true, force: true }),
  };
}

/** What npm prints; its warnings go elsewhere. Throws when npm fails. */
export function runNpm(cwd: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')}: status ${status ?? 'none'}: ${stderr}`, { cause: error });
  return stdout;
}

/** Unpacks what npm packed; every name in it begins with `package/`. */
async function unpack(file: string, folder: string): Promise<string[]> {
  const names: string[] = [];
  const extract = tar.extract();
  extract.end(gunzipSync(readFileSync(file)));
  for await (const entry of extract) {
    const name = entry.header.name.replace(/^package\//, '');
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), Buffer.concat(chunks));
    names.push(name);
  }
  return names;
}
