/**
 * Reads the XML of an S3 listing (ListObjectsV2, answered to anybody by a public bucket). Small and strict: what is not
 * such a document is undefined, and a broken one an error. Pure.
 */
import { LakepackError } from '../base/errors.js';
import type { ObjectInfo } from './remote.js';

export interface ListingPage {
  /** Keys as they are in the bucket. */
  readonly objects: readonly ObjectInfo[];
  /** Where the next page begins; undefined for the last. */
  readonly next: string | undefined;
}

/** An element: its children by name in their order, and its text. */
interface Element {
  readonly name: string;
  readonly children: Element[];
  text: string;
}

const MAX_DEPTH = 6;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Undefined where the text is no listing at all (a web page, another answer of S3). @throws REMOTE_MISCONFIGURED. */
export function parseListing(text: string, subject: string): ListingPage | undefined {
  if (!/^\s*(<\?xml[^>]*\?>\s*)?<ListBucketResult[\s>]/.test(text)) return undefined;
  const root = parseXml(text, subject);
  const isEncoded = textOf(root, 'EncodingType') === 'url';
  const objects = root.children
    .filter(({ name }) => name === 'Contents')
    .map((one) => objectOf(one, isEncoded, subject));
  const isTruncated = textOf(root, 'IsTruncated') === 'true';
  const next = textOf(root, 'NextContinuationToken');
  if (isTruncated && (next === undefined || next === '')) throw broken(subject, 'it goes on, but does not say where');
  return { objects, next: isTruncated ? next : undefined };
}

function objectOf(element: Element, isEncoded: boolean, subject: string): ObjectInfo {
  const key = textOf(element, 'Key');
  const size = textOf(element, 'Size') ?? '';
  if (key === undefined || !/^\d{1,15}$/.test(size)) throw broken(subject, 'an entry lacks its key or size');
  return { key: isEncoded ? decodeKey(key, subject) : key, bytes: Number(size) };
}

/** With `encoding-type=url` a space may be a plus. */
function decodeKey(key: string, subject: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    // The reason that decodeURIComponent gives is only that it could not.
    throw broken(subject, 'a key is not encoded as it says');
  }
}

function textOf({ children }: Element, name: string): string | undefined {
  return children.find((child) => child.name === name)?.text;
}

/** Elements, attributes (passed over), text, entities. No comments, no CDATA, no declarations: S3 writes none. */
function parseXml(text: string, subject: string): Element {
  const top: Element = { name: '', children: [], text: '' };
  const open: Element[] = [top];
  const token = /<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
  token.lastIndex = /^\s*(<\?xml[^>]*\?>)?/.exec(text)?.[0].length ?? 0;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw broken(subject, 'it is not well-formed XML');
    const [, slash, name, , selfClosing, characters] = match;
    const parent = open.at(-1) ?? top;
    if (characters !== undefined) parent.text += decodeEntities(characters, subject);
    else if (slash === '/') closeElement(open, name, subject);
    else {
      const element: Element = { name: name ?? '', children: [], text: '' };
      parent.children.push(element);
      if (selfClosing !== '/') open.push(element);
      if (open.length > MAX_DEPTH) throw broken(subject, 'it is nested too deep');
    }
  }
  const [root] = top.children;
  if (open.length !== 1 || root === undefined || top.children.length !== 1) throw broken(subject, 'it ends early');
  return root;
}

function closeElement(open: Element[], name: string | undefined, subject: string): void {
  if (open.length < 2 || open.pop()?.name !== name) throw broken(subject, 'its elements do not match');
}

function decodeEntities(text: string, subject: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{1,8})?;?/gi, (whole, name: string | undefined) => {
    const found = name === undefined || !whole.endsWith(';') ? undefined : entity(name);
    if (found === undefined) throw broken(subject, 'it has an unknown entity');
    return found;
  });
}

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name];
  const point = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? undefined : String.fromCodePoint(point);
}

function broken(subject: string, says: string): LakepackError {
  return new LakepackError('REMOTE_MISCONFIGURED', `${subject}: the listing cannot be read: ${says}`, {
    hint: 'check that the address is that of a bucket; lakepack remote check tries it',
    retryable: false,
  });
}
