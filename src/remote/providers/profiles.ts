/** Finds the profile of a provider by its name in a configuration. */
import type { ProviderName } from '../../schema/remote-config.js';
import { AWS } from './aws.js';
import { B2 } from './b2.js';
import { CEPH } from './ceph.js';
import { GENERIC } from './generic.js';
import { MINIO } from './minio.js';
import type { ProviderProfile } from './provider.js';
import { R2 } from './r2.js';

const PROFILES: Readonly<Record<ProviderName, ProviderProfile>> = {
  r2: R2,
  b2: B2,
  aws: AWS,
  minio: MINIO,
  ceph: CEPH,
  generic: GENERIC,
};

export function profileOf(name: ProviderName): ProviderProfile {
  return PROFILES[name];
}
