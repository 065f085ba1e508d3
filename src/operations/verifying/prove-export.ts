/**
 * Proves the bundles of one export while its entries are read (`bundle/prove-bundle.ts`): each entry is parsed once, for
 * its own rules and for the bundle that holds it. What is not proven is left for a check.
 */
import type { EntryBatch } from '../../archive/files-index.js';
import { tellsDamage } from '../../base/errors.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import type { BundleCheck } from '../../bundle/check.js';
import { BundleProof, type BundleProofOptions } from '../../bundle/prove-bundle.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import type { EntryListener } from './verify-manifest.js';

export interface ExportProofOptions extends Pick<BundleProofOptions, 'runner' | 'slabs' | 'signal'> {
  readonly manifest: ExportManifest;
  /** Undefined where the bundle is not there. @param number from 1. */
  readonly open: (number: number) => ByteSource | undefined;
  readonly onBytes: (number: number, storedBytes: number) => void;
}

interface OpenBundle {
  readonly number: number;
  readonly source: ByteSource | undefined;
  readonly proof: BundleProof | undefined;
}

/** Always `close` it. What it proved counts only when the entries turned out to be sound. */
export class ExportProof implements EntryListener {
  readonly #options: ExportProofOptions;
  readonly #proven = new Map<number, BundleCheck>();
  #open: OpenBundle | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ExportProofOptions) {
    this.#options = options;
  }

  /** Never throws: an error waits for `end`, so that nobody takes it for one of the entries. */
  async take({ entries, embedded }: EntryBatch): Promise<void> {
    for (let at = 0; at < entries.length && this.#failure === undefined;) {
      const number = entries[at]?.bundle ?? 0;
      let end = at + 1;
      while (entries[end]?.bundle === number) end += 1;
      await this.#guard(() => this.#takeOf(number, entries.slice(at, end), embedded.slice(at, end)));
      at = end;
    }
  }

  async #takeOf(number: number, ...entries: Parameters<BundleProof['add']>): Promise<void> {
    if (this.#open?.number !== number) {
      await this.#finish();
      this.#open = await this.#begin(number);
    }
    await this.#open.proof?.add(...entries);
  }

  async #begin(number: number): Promise<OpenBundle> {
    const { manifest, open, onBytes } = this.#options;
    const facts = manifest.bundles[number - 1];
    const source = facts === undefined ? undefined : open(number);
    if (facts === undefined || source === undefined) return { number, source, proof: undefined };
    // Known before it is awaited: `close` closes it.
    this.#open = { number, source, proof: undefined };
    const proof = await BundleProof.open(source, {
      ...this.#options,
      sidecar: { manifest, facts, number },
      isOnly: manifest.bundles.length === 1,
      onBytes: (storedBytes) => onBytes(number, storedBytes),
    });
    return { number, source, proof };
  }

  async #finish(): Promise<void> {
    if (this.#open === undefined) return;
    const { number, proof } = this.#open;
    const proven = await proof?.end();
    if (proven !== undefined) this.#proven.set(number, proven);
    await this.#closeOpen();
  }

  /** By number of bundle. Throws what could not be looked at: REMOTE_UNAVAILABLE, INTERRUPTED … */
  async end(): Promise<ReadonlyMap<number, BundleCheck>> {
    await this.#guard(() => this.#finish());
    if (this.#failure !== undefined && !tellsDamage(this.#failure.error)) throw this.#failure.error;
    return this.#proven;
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await work();
    } catch (error) {
      this.#failure = { error };
    }
  }

  async #closeOpen(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.proof?.close();
    await open?.source?.close();
  }

  async close(): Promise<void> {
    await this.#closeOpen();
  }
}
