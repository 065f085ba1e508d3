/**
 * A strict validator of BagIt 1.0 bags (RFC 8493), written from the RFC and from nothing in `src/`. It reads an
 * unpacked bag from disk and lists every fault; what the RFC only recommends is demanded.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** The faults of the bag in a folder; none when it is complete and valid. */
export function bagFaults(folder: string): string[] {
  const files = filesBelow(folder);
  const payload = files.filter((file) => file.startsWith('data/'));
  const tags = files.filter((file) => !file.startsWith('data/'));
  return [
    ...declarationFaults(folder, tags),
    ...(isFolder(path.join(folder, 'data')) ? [] : ['2.1.2: there is no payload directory']),
    ...(tags.includes('fetch.txt') ? ['2.2.3: a fetch.txt: everything should be there'] : []),
    ...manifestFaults(folder, 'manifest-sha256.txt', payload),
    ...manifestFaults(
      folder,
      'tagmanifest-sha256.txt',
      tags.filter((file) => !file.startsWith('tagmanifest-')),
    ),
    ...bagInfoFaults(folder, payload),
  ];
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile() && !entry.isDirectory()) throw new Error(`${entry.name}: neither a file nor a folder`);
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** RFC 8493, 2.1.1: exactly these two lines, no byte order mark. */
function declarationFaults(folder: string, tags: readonly string[]): string[] {
  if (!tags.includes('bagit.txt')) return ['2.1.1: there is no bagit.txt'];
  const text = readFileSync(path.join(folder, 'bagit.txt'), 'latin1');
  const right = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';
  return text === right ? [] : [`2.1.1: bagit.txt is ${JSON.stringify(text)}`];
}

/** RFC 8493, 2.1.3 and 2.2.1: every file once, its checksum right, and nothing else. */
function manifestFaults(folder: string, manifest: string, files: readonly string[]): string[] {
  const text = readText(path.join(folder, manifest));
  if (text === undefined) return [`2.1.3: there is no ${manifest} in UTF-8`];
  const faults: string[] = [];
  const listed = new Map<string, string>();
  if (text !== '' && !text.endsWith('\n')) faults.push(`2.1.3: ${manifest}: the last line has no end`);
  for (const line of text.split('\n').slice(0, -1)) {
    const match = /^([0-9a-f]{64})[ \t]+(.+)$/s.exec(line);
    if (match === null) {
      faults.push(`2.1.3: ${manifest}: not a line: ${JSON.stringify(line)}`);
      continue;
    }
    const [, hash = '', encoded = ''] = match;
    const name = decoded(encoded);
    if (name === undefined) faults.push(`2.1.3: ${manifest}: wrongly encoded: ${JSON.stringify(encoded)}`);
    else if (listed.has(name)) faults.push(`2.1.3: ${manifest}: listed twice: ${JSON.stringify(name)}`);
    else listed.set(name, hash);
  }
  for (const [name, hash] of listed) {
    if (!files.includes(name)) faults.push(`3: ${manifest}: no such file: ${JSON.stringify(name)}`);
    else if (digestOf(path.join(folder, name)) !== hash) faults.push(`3: wrong checksum: ${JSON.stringify(name)}`);
  }
  for (const name of files) {
    if (!listed.has(name)) faults.push(`3: ${manifest} does not list ${JSON.stringify(name)}`);
  }
  return faults;
}

/** CR, LF and percent are encoded, and nothing else is; undefined where that does not hold. */
function decoded(encoded: string): string | undefined {
  if (/%(?!0A|0D|25)/.test(encoded) || encoded.includes('\r')) return undefined;
  if (encoded.startsWith('/') || encoded.startsWith('~') || encoded.split('/').includes('..')) return undefined;
  return encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** RFC 8493, 2.2.2: `Label: value`, continuation lines indented; the reserved labels in their forms, once each. */
function bagInfoFaults(folder: string, payload: readonly string[]): string[] {
  const text = readText(path.join(folder, 'bag-info.txt'));
  if (text === undefined) return ['2.2.2: there is no bag-info.txt in UTF-8'];
  const faults: string[] = [];
  const values = new Map<string, string>();
  if (!text.endsWith('\n') || text.includes('\r')) faults.push('2.2.2: bag-info.txt: wrong line ends');
  for (const line of text
    .replace(/\n[ \t]+/g, ' ')
    .split('\n')
    .slice(0, -1)) {
    const [, label, value = ''] = /^([^\s:](?:[^:]*[^\s:])?): (.*)$/.exec(line) ?? [];
    if (label === undefined) faults.push(`2.2.2: bag-info.txt: not a line: ${JSON.stringify(line)}`);
    else if (values.has(label)) faults.push(`2.2.2: bag-info.txt: ${label} stands twice`);
    else values.set(label, value);
  }
  const bytes = payload.reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
  const oxum = values.get('Payload-Oxum');
  if (oxum !== `${bytes}.${payload.length}`)
    faults.push(`2.2.2: Payload-Oxum is ${oxum}, not ${bytes}.${payload.length}`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(values.get('Bagging-Date') ?? '')) faults.push('2.2.2: Bagging-Date');
  if (!/^\d+ of (\d+|\?)$/.test(values.get('Bag-Count') ?? '')) faults.push('2.2.2: Bag-Count');
  return faults;
}

function readText(file: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch {
    // Absent or not UTF-8: the caller says both.
    return undefined;
  }
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
