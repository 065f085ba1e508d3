/**
 * What is published in a database: one item that names the container of every table. Replacing it, on the condition
 * that it is still the one that was read, is the one stroke by which a rebuild takes the place of what was there.
 */
import type { Database } from '@azure/cosmos';
import { LakepackError } from '../base/errors.js';
import { cosmosCode } from './cosmos-errors.js';
import { POINTER_CONTAINER, POINTER_ID } from './cosmos-names.js';

export interface Published {
  /** Table to container. */
  readonly tables: Readonly<Record<string, string>>;
  /** Undefined: nothing was published. */
  readonly etag: string | undefined;
}

interface PointerItem {
  readonly id: string;
  readonly tables: Readonly<Record<string, string>>;
}

export const NOTHING_PUBLISHED: Published = { tables: {}, etag: undefined };

const HTTP_NOT_FOUND = 404;
/** 409: made meanwhile; 412: replaced meanwhile. */
const OVERTAKEN: ReadonlySet<unknown> = new Set([409, 412]);

export async function readPublished(database: Database, signal: AbortSignal): Promise<Published> {
  const item = database.container(POINTER_CONTAINER).item(POINTER_ID, POINTER_ID);
  try {
    const { resource, etag } = await item.read<PointerItem>({ abortSignal: signal });
    return resource === undefined ? NOTHING_PUBLISHED : { tables: resource.tables, etag };
  } catch (error) {
    if (cosmosCode(error) === HTTP_NOT_FOUND) return NOTHING_PUBLISHED;
    throw error;
  }
}

/** @throws TARGET_NOT_EMPTY: another rebuild was published since `before` was read; nothing was switched. */
export async function switchTo(
  database: Database,
  tables: Readonly<Record<string, string>>,
  { etag }: Published,
  signal: AbortSignal,
): Promise<void> {
  const { container } = await database.containers.createIfNotExists(
    { id: POINTER_CONTAINER, partitionKey: { paths: ['/id'] } },
    { abortSignal: signal },
  );
  const item: PointerItem = { id: POINTER_ID, tables };
  try {
    if (etag === undefined) await container.items.create(item, { abortSignal: signal });
    else {
      const accessCondition = { type: 'IfMatch', condition: etag };
      await container.item(POINTER_ID, POINTER_ID).replace(item, { accessCondition, abortSignal: signal });
    }
  } catch (error) {
    throw OVERTAKEN.has(cosmosCode(error)) ? overtaken(database.id, error) : error;
  }
}

function overtaken(database: string, cause: unknown): LakepackError {
  return new LakepackError('TARGET_NOT_EMPTY', `cosmos database ${database}: another rebuild was published meanwhile`, {
    hint: 'run this rebuild again if its tables shall replace those',
    cause,
  });
}
