/** What is said about archives between this folder and its callers. Types only. */
import type { RemoteLocation } from '../remote/location.js';

/** Where an archive is, and the archives to read from when a read of it fails. */
export interface ArchiveLocation extends RemoteLocation {
  /** Locations, in order, looked up in the same context. Default: what the configuration says of the named remote. */
  readonly fallback?: readonly string[];
}

/** Something that was taken from a fallback because the archive before it could not give it whole. */
export interface Healed {
  /** Key of the object. */
  readonly key: string;
  /** Number of the block, from 0; undefined for an object that is read whole (a manifest, an index, a listing). */
  readonly block?: number;
  /** Archive that failed, and the one that had it, as they are shown. */
  readonly from: string;
  readonly by: string;
  /** Why: the message of the error, or what was found instead of what was expected. */
  readonly reason: string;
}

/** How an object that was stored is proven to be what was sent. */
export type ProofMode =
  /** The store's own SHA-256 where it keeps one, else every byte read back. */
  | 'auto'
  /** Every byte read back. */
  | 'all'
  /** Some blocks read back: the first, the last, and one in twenty of the others. */
  | 'sample'
  /** The size only. For who will verify by other means. */
  | 'none';

/** What a proof rests on. */
export type ProofKind = 'store-sha256' | 'read-back' | 'sample' | 'size' | 'written-here';
