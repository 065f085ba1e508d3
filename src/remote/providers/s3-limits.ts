/** The numbers of Amazon S3 that the other providers keep to. Source: docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
import { GIB, MIB } from '../../base/limits.js';
import type { ProviderProfile } from './provider.js';

export const S3_LIMITS: Pick<ProviderProfile, 'minPartBytes' | 'maxPartBytes' | 'maxParts' | 'maxCopyBytes'> = {
  minPartBytes: 5 * MIB,
  maxPartBytes: 5 * GIB,
  maxParts: 10_000,
  maxCopyBytes: 5_000_000_000,
};
