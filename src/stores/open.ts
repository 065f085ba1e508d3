/** Chooses the engine of a derived store. An engine's module, and its package, is loaded when one is opened. */
import type { DerivedStore, OpenStore, OpenStoreOptions } from './contract.js';
import type { StoreEngine } from '../schema/store-engine.js';

const ENGINES: Readonly<Record<StoreEngine, () => Promise<OpenStore>>> = {
  duckdb: async () => (await import('./duckdb.js')).openDuckDbStore,
  postgres: async () => (await import('./postgres.js')).openPostgresStore,
  lancedb: async () => (await import('./lancedb.js')).openLanceDbStore,
  cosmos: async () => (await import('./cosmos.js')).openCosmosStore,
};

/** Opens the engine that `options.settings` names. Throws what the contract says. */
export async function openStore(options: OpenStoreOptions): Promise<DerivedStore> {
  const open = await ENGINES[options.settings.engine]();
  return await open(options);
}
