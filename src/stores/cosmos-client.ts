/**
 * The way to a Cosmos account: the package, loaded when it is needed, and a client from the environment. It answers
 * for retries of throttled requests and for which region is asked.
 */
import type * as Cosmos from '@azure/cosmos';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import type { OpenStoreOptions } from './contract.js';

type Environment = OpenStoreOptions['environment'];
type CosmosPackage = Pick<typeof Cosmos, 'CosmosClient'>;

/** How long one request is asked for again while Cosmos answers 429, waiting as long as each answer says. */
const THROTTLE_PATIENCE_SECONDS = 120;
/** Against an endless row of answers that tell no time to wait. */
const MAX_THROTTLED_ATTEMPTS = 1_000;
const REQUEST_TIMEOUT_MS = 60_000;
const HINT = 'set COSMOS_ENDPOINT (https://NAME.documents.azure.com:443/) and COSMOS_KEY, or COSMOS_CONNECTION_STRING';

/** @throws STORE_NOT_INSTALLED; STORE_UNAVAILABLE when the environment does not say where. Asks nobody yet. */
export async function openCosmosClient(
  environment: Environment,
  load: () => Promise<CosmosPackage> = () => import('@azure/cosmos'),
): Promise<Cosmos.CosmosClient> {
  const { endpoint, key } = accountOf(environment);
  const { CosmosClient } = await loaded(load);
  return new CosmosClient({
    endpoint,
    key,
    connectionPolicy: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      // The account's own address leads to its write region: what was written is read back from where it was written.
      enableEndpointDiscovery: false,
      retryOptions: {
        maxRetryAttemptCount: MAX_THROTTLED_ATTEMPTS,
        // 0: as long as `x-ms-retry-after-ms` says.
        fixedRetryIntervalInMilliseconds: 0,
        maxWaitTimeInSeconds: THROTTLE_PATIENCE_SECONDS,
      },
    },
  });
}

async function loaded(load: () => Promise<CosmosPackage>): Promise<CosmosPackage> {
  try {
    return await load();
  } catch (error) {
    if (systemErrorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new LakepackError('STORE_NOT_INSTALLED', 'cosmos: the package @azure/cosmos is not installed', {
      hint: 'npm install @azure/cosmos@4',
      cause: error,
    });
  }
}

function accountOf(environment: Environment): { readonly endpoint: string; readonly key: string } {
  const parts = connectionParts(environment.COSMOS_CONNECTION_STRING ?? '');
  const endpoint = environment.COSMOS_ENDPOINT ?? parts.get('AccountEndpoint') ?? '';
  const key = environment.COSMOS_KEY ?? parts.get('AccountKey') ?? '';
  if (endpoint === '' || key === '') throw unconfigured('the environment names no account');
  if (!isSafeEndpoint(endpoint)) throw unconfigured('the endpoint is not an https address');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw unconfigured('the key is not base64');
  return { endpoint, key };
}

/** `AccountEndpoint=…;AccountKey=…;`. */
function connectionParts(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split(';')
      .filter((part) => part.includes('='))
      .map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]),
  );
}

/** Plain http only to this machine, as emulators have it: rows and signatures are not for the network to read. */
function isSafeEndpoint(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname));
}

function unconfigured(fault: string): LakepackError {
  return new LakepackError('STORE_UNAVAILABLE', `cosmos: ${fault}`, { hint: HINT, retryable: false });
}
