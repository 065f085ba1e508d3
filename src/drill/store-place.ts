/**
 * Where the stores of a drill stand: in its scratch folder, or, for servers, under a name that no live store has.
 * Servers are told by the environment; without it nobody can look.
 */
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import type { RecipeStore } from '../schema/recipe.js';
import type { Scratch } from './scratch.js';

export interface StorePlace {
  readonly into: string;
  /** True where it stands outside of the scratch folder. */
  readonly isOutside: boolean;
  readonly marker: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface StorePlaceRequest {
  readonly drillId: string;
  readonly scratch: Scratch;
  /** Name of the store in the recipe, and its number among the drill's stores. */
  readonly name: string;
  readonly index: number;
  readonly settings: RecipeStore;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Throws STORE_UNAVAILABLE where the environment names no server. */
export function storePlace(request: StorePlaceRequest): StorePlace {
  const { drillId, scratch, name, index, settings, environment } = request;
  const id = drillId.toLowerCase().replaceAll('-', '_');
  const marker = `drill_${id.slice(-8)}_${index}`;
  const serverName = `lakepack_drill_${id}_${index}`;
  switch (settings.engine) {
    case 'duckdb':
      return { into: path.join(scratch.stores, `${name}.duckdb`), isOutside: false, marker, environment };
    case 'lancedb':
      return { into: path.join(scratch.stores, `${name}.lancedb`), isOutside: false, marker, environment };
    case 'postgres':
      return { ...postgresPlace(serverName, environment), isOutside: true, marker };
    case 'cosmos':
      return { into: cosmosDatabase(serverName, environment), isOutside: true, marker, environment };
  }
}

const POSTGRES_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGSERVICE', 'PGDATABASE', 'PGUSER'] as const;

/** A password in the address goes on in the environment: it must not be in a name that is shown. */
function postgresPlace(
  schema: string,
  environment: StorePlace['environment'],
): Pick<StorePlace, 'into' | 'environment'> {
  const address = present(environment, 'LAKEPACK_DRILL_POSTGRES');
  if (address === undefined) {
    if (POSTGRES_VARIABLES.some((name) => present(environment, name) !== undefined))
      return { into: schema, environment };
    throw noServer('postgres', 'PGHOST, PGUSER, PGPASSWORD and PGDATABASE, or LAKEPACK_DRILL_POSTGRES');
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new LakepackError(
      'STORE_UNAVAILABLE',
      'LAKEPACK_DRILL_POSTGRES: is no address: expected postgres://user@host:5432/database',
      {
        hint: 'put the password into PGPASSWORD',
      },
    );
  }
  const password = url.password === '' ? environment['PGPASSWORD'] : decodeURIComponent(url.password);
  url.password = '';
  url.searchParams.set('schema', schema);
  return { into: url.href, environment: { ...environment, PGPASSWORD: password } };
}

function cosmosDatabase(name: string, environment: StorePlace['environment']): string {
  const isSet =
    present(environment, 'COSMOS_ENDPOINT') !== undefined && present(environment, 'COSMOS_KEY') !== undefined;
  if (!isSet) throw noServer('cosmos', 'COSMOS_ENDPOINT and COSMOS_KEY');
  return name;
}

function present(environment: StorePlace['environment'], name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function noServer(engine: string, variables: string): LakepackError {
  return new LakepackError('STORE_UNAVAILABLE', `${engine}: no server is named to rebuild on`, {
    hint: `set ${variables} to a server where a drill may make and remove its own ${engine === 'cosmos' ? 'database' : 'schema'}; or leave the store out with --stores`,
    retryable: false,
  });
}
