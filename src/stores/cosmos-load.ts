/**
 * Puts rows into a container: bounded concurrency, paced by request units, again after passing troubles. It answers
 * for every row being in the container when it returns, and for none being lost to another with the same id.
 */
import type { Container, ItemResponse } from '@azure/cosmos';
import { setTimeout as delay } from 'node:timers/promises';
import { LakepackError } from '../base/errors.js';
import { sharedSignal } from '../base/shared-signal.js';
import type { RowBatch } from './contract.js';
import { mayPassAgain, storeError } from './cosmos-errors.js';
import { itemOf, keyForReader, type Item, type ItemShape } from './cosmos-items.js';
import type { Pace } from './cosmos-pace.js';

export interface LoadTarget {
  readonly container: Container;
  readonly shape: ItemShape;
  readonly pace: Pace;
}

/** At 10 ms an upsert that is 3,000 items a second, more than most accounts have request units for. */
const CONCURRENCY = 32;
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 250;

const HTTP_OK = 200;

/**
 * Upserts all rows of a batch. Nothing runs on after it has returned or thrown.
 * @throws STORE_UNAVAILABLE, INTERRUPTED; STORE_REFUSED naming table and key: too large, or the key comes twice.
 */
export async function loadBatch(target: LoadTarget, batch: RowBatch, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const either = sharedSignal(AbortSignal.any([signal, stop.signal]));
  const failures: unknown[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (failures.length === 0 && next < batch.rows) {
      const row = next++;
      try {
        await put(target, itemOf(target.shape, batch, row), either);
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (failures.length > 0) throw storeError(failures[0], `table ${target.shape.spec.name}`, signal);
}

async function put(target: LoadTarget, item: Item, signal: AbortSignal): Promise<void> {
  const subject = `table ${target.shape.spec.name}, ${keyForReader(target.shape, item)}`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { statusCode } = await upsert(target, item, signal);
      // After a request whose answer was lost, the item that is there already is this one.
      if (statusCode === HTTP_OK && attempt === 1) throw keyTwice(subject, target.shape);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || signal.aborted || !mayPassAgain(error)) throw storeError(error, subject, signal);
      await delay(FIRST_WAIT_MS * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

async function upsert({ container, pace }: LoadTarget, item: Item, signal: AbortSignal): Promise<ItemResponse<Item>> {
  const settle = await pace.begin('write', signal);
  const response = await container.items.upsert<Item>(item, {
    abortSignal: signal,
  });
  settle(response.requestCharge);
  return response;
}

function keyTwice(subject: string, { spec }: ItemShape): LakepackError {
  return new LakepackError('STORE_REFUSED', `${subject}: the key comes twice: expected one row with it`, {
    hint: `add columns to \`keys\` of ${spec.name} in the recipe until they tell rows apart`,
  });
}
