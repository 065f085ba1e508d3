/** The types of a lake's configuration. No behaviour. */
import type { Grouping } from '../schema/export-manifest.js';

export interface DatasetConfig {
  /** An SPDX expression, a URL, or words. */
  readonly licence?: string;
  readonly note?: string;
}

/** Defaults for packing; what a caller says goes first. */
export interface PackDefaults {
  readonly by?: Grouping;
  readonly level?: number;
  /** Written `bundleSize`: a number of bytes, or a text such as `4GiB`. */
  readonly bundleSizeBytes?: number;
  readonly profile?: 'default' | 'cdn';
  readonly unsupported?: 'default' | 'refuse' | 'skip';
  readonly inspect?: 'full' | 'quick';
}

export interface LakeConfig extends DatasetConfig {
  /** By `<layer>/<dataset>` or `<dataset>`. */
  readonly datasets: ReadonlyMap<string, DatasetConfig>;
  readonly pack: PackDefaults;
}
