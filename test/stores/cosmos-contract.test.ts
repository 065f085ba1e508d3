/** The suite of all derived stores, over the cosmos store; what is Cosmos's own is in cosmos.test.ts. */
import type { CosmosClient } from '@azure/cosmos';
import { startCosmos } from '../servers/cosmos.js';
import { clientOf, containerOf, everythingIn, openOn, publishedIn } from './cosmos-support.js';
import { describeStore, type Mutate, type StoreSubject } from './store-contract.js';

/** Of the server that `startSubject` started. */
let client: CosmosClient | undefined;

const mutate: Mutate = async (kind, store) => {
  if (client === undefined) throw new Error('the subject was not started');
  const container = containerOf(client, store, 'items');
  const read = async (id: string): Promise<Record<string, unknown>> => ({
    ...(await container.item(id, id).read<Record<string, unknown>>()).resource,
  });
  const change = async (id: string, more: Record<string, unknown>): Promise<void> => {
    await container.items.upsert({ ...(await read(id)), ...more });
  };
  switch (kind) {
    case 'one row gone':
      await container.item('k07', 'k07').delete();
      return 'done';
    case 'one row duplicated':
      await change('k07', { id: 'another' });
      return 'done';
    case 'one cell changed':
      await change('k07', { score: 1_000_007 });
      return 'done';
    case 'null for empty text':
      await change('k05', { note: null });
      return 'done';
    case 'one type changed':
      await change('k07', { score: String((await read('k07')).score) });
      return 'done';
    case 'one vector element changed':
      await change('k07', { embedding: ((await read('k07')).embedding as number[]).with(3, 0.5) });
      return 'done';
    case 'two ids swapped': {
      const [one, other] = [await read('k07'), await read('k11')];
      await container.items.upsert({ ...one, id: 'k11', id_: 'k11' });
      await container.items.upsert({ ...other, id: 'k07', id_: 'k07' });
      return 'done';
    }
    case 'rows reordered': {
      const { resources } = await container.items.readAll<Record<string, unknown> & { id: string }>().fetchAll();
      for (const { id } of resources) await container.item(id, id).delete();
      for (const item of resources.reverse()) await container.items.create(item);
      return 'done';
    }
  }
};

async function startSubject(): Promise<StoreSubject> {
  const server = await startCosmos();
  const own = clientOf(server);
  let opened = 0;
  client = own;
  return {
    open: (into, { replace }) => openOn(server, { into, replace, marker: `suite_${(opened += 1)}` }),
    countAt: async (into, table) => {
      const name = (await publishedIn(own, into))?.[table];
      if (name === undefined) return undefined;
      const { resources } = await own.database(into).container(name).items.readAll().fetchAll();
      return resources.length;
    },
    everything: () => everythingIn(own),
    stop: async () => {
      own.dispose();
      await server.stop();
    },
  };
}

describeStore('cosmos', startSubject, { needsKeys: true, manyRows: 2_000, mutate });
