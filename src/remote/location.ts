/**
 * What a location may be beside its text: the variables and the configuration that give a name its meaning. Types only;
 * `open.ts` reads them.
 */
import type { RemoteConfig } from '../schema/remote-config.js';

/** `process.env` fits. Only the variables that docs/remotes.md names are read. */
export type RemoteEnvironment = Readonly<Record<string, string | undefined>>;

export interface RemoteContext {
  readonly environment: RemoteEnvironment;
  /** Named remotes of a configuration, by name. */
  readonly remotes: ReadonlyMap<string, RemoteConfig>;
}

/** A location whose names can be looked up. A text alone is one without environment and configuration. */
export interface RemoteLocation {
  readonly location: string;
  readonly context?: RemoteContext;
}
