/** What a profile of a provider says. Types only; one file beside this one for each provider. */
import type { ProviderName } from '../../schema/remote-config.js';

export interface ProviderFact {
  readonly fact: string;
  /** Where it is written, or the server and version it was tried on. */
  readonly source: string;
  /** `yyyy-MM-dd` on which it was read or tried. */
  readonly date: string;
}

export interface ProviderProfile {
  readonly name: ProviderName;
  /** As people write it. */
  readonly label: string;
  /** Used where none is configured; undefined where the region must be said. */
  readonly region: string | undefined;
  readonly pathStyle: boolean;
  /** Where `If-None-Match: *` is honoured. Elsewhere the key is looked up first, which a race can pass. */
  readonly createOnly: {
    readonly put: boolean;
    readonly complete: boolean;
    readonly copy: boolean;
    /** Honoured in buckets that keep versions too. */
    readonly inVersioned: boolean;
  };
  /** Accepts, compares and keeps `x-amz-checksum-sha256`, and gives a composite one after multipart. */
  readonly sha256Checksums: boolean;
  readonly minPartBytes: number;
  readonly maxPartBytes: number;
  readonly maxParts: number;
  /** Parts of one object sent at once. */
  readonly partsAtOnce: number;
  /** Largest object that one CopyObject copies. */
  readonly maxCopyBytes: number;
  /** `exact-key`: unfinished uploads are listed only for the key that is named. */
  readonly uploadListing: 'prefix' | 'exact-key';
  readonly facts: readonly ProviderFact[];
}
