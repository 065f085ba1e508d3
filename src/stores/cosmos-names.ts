/**
 * Names in a Cosmos database (docs/cosmos.md, section 2): of a build's containers, of items, of properties. Pure.
 */
import { sha256Of } from '../base/sha256.js';
import type { JsonValue } from './cosmos-values.js';

/** The container with the one item that says which containers are the tables. */
export const POINTER_CONTAINER = 'lakepack';
export const POINTER_ID = 'current';

/** Of an item's id, in bytes of UTF-8; Cosmos keeps no longer one. */
const MAX_ID_BYTES = 1_023;
/** A build may wait for request units for days. What is older and was never published belongs to nobody. */
const ABANDONED_SECONDS = 7 * 86_400;
const SEPARATOR = '--';
const CELL_SEPARATOR = '~_';
const NULL_CELL = '~n';
const EMPTY_CELL = '~-';

/** What Cosmos gives a meaning of its own at the top of an item. */
const TAKEN: ReadonlySet<string> = new Set(['id', 'ttl', '_rid', '_ts', '_etag', '_self', '_attachments', '_lsn']);

export interface ListedContainer {
  readonly id: string;
  /** Seconds since the epoch: when it was made or last reconfigured. */
  readonly _ts?: number;
}

/** `matches--20240501_ab12`. Table names have no `-`. */
export function containerName(table: string, generation: string): string {
  return `${table}${SEPARATOR}${generation}`;
}

/** The marker; another where what stands published was built under the same one. */
export function generationFor(marker: string, published: ReadonlySet<string>): string {
  const isTaken = [...published].some((name) => name.endsWith(`${SEPARATOR}${marker}`));
  return isTaken ? `${marker}_2` : marker;
}

/** True: a name that builds of lakepack have, published or not. */
export function isGenerationName(name: string): boolean {
  return /^[A-Za-z_]\w*--[a-z\d_]+$/.test(name);
}

/** Containers of builds that nobody will finish: of this generation (its marker is this run's own), and old ones. */
export function abandonedContainers(
  containers: readonly ListedContainer[],
  published: ReadonlySet<string>,
  { generation, nowSeconds }: { readonly generation: string; readonly nowSeconds: number },
): readonly string[] {
  return containers
    .filter(({ id }) => isGenerationName(id) && !published.has(id))
    .filter(({ id, _ts }) => {
      const isOld = _ts !== undefined && nowSeconds - _ts > ABANDONED_SECONDS;
      return isOld || id.endsWith(`${SEPARATOR}${generation}`);
    })
    .map(({ id }) => id);
}

/**
 * An item's id from its key cells. Cosmos forbids `/ \ ? #` and advises against all but letters and digits; other
 * bytes than these and `.`, `_`, `-` are `~` and two hex digits. Not `%`: clients and gateways decode it, some twice.
 */
export function itemId(keyCells: readonly JsonValue[]): string {
  const id = keyCells.map(cellOfId).join(CELL_SEPARATOR);
  if (Buffer.byteLength(id) > MAX_ID_BYTES) return `~sha256-${sha256Of(id)}`;
  // A path segment of dots would be taken for a folder above.
  return /^\.+$/.test(id) ? id.replaceAll('.', '~2e') : id;
}

/** By column: its own name, or with `_` behind it where Cosmos or another column has the name. */
export function propertyNames(columns: readonly string[]): readonly string[] {
  const used = new Set(columns.filter((name) => !TAKEN.has(name)));
  return columns.map((name) => {
    if (!TAKEN.has(name)) return name;
    let free = `${name}_`;
    while (used.has(free)) free += '_';
    used.add(free);
    return free;
  });
}

/** A property as a path of partition keys, indexes and vector policies. */
export function propertyPath(property: string): string {
  return /^[A-Za-z_]\w*$/.test(property) ? `/${property}` : `/${JSON.stringify(property)}`;
}

function cellOfId(cell: JsonValue): string {
  if (cell === null) return NULL_CELL;
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  if (text === '') return EMPTY_CELL;
  return text.replace(/[^A-Za-z0-9._-]/gu, (character) => Buffer.from(character).toString('hex').replace(/../g, '~$&'));
}
