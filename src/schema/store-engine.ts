/** The engines that a derived store can have. */
export const STORE_ENGINES = ['duckdb', 'postgres', 'lancedb', 'cosmos'] as const;

export type StoreEngine = (typeof STORE_ENGINES)[number];
