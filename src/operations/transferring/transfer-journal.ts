/**
 * Remembers, on this machine, which exports a migration has proven in its target, so that a later run may delete them
 * from the source without reading them all again. Losing it costs time, never data: what is not in it is proven anew.
 */
import { sha256Of } from '../../base/sha256.js';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ProofKind } from '../../archive/contract.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';

export interface ProvenExport {
  /** Key of its manifest. */
  readonly key: string;
  readonly manifestSha256: string;
  readonly proof: ProofKind;
  /** RFC 3339, UTC. */
  readonly at: string;
}

/** Proofs that looked at every byte: only these let a source go. */
const WHOLE_PROOFS: readonly unknown[] = ['store-sha256', 'read-back', 'written-here'] satisfies ProofKind[];

export class TransferJournal {
  readonly #file: string;
  readonly #proven: Map<string, ProvenExport>;

  private constructor(file: string, proven: Map<string, ProvenExport>) {
    this.#file = file;
    this.#proven = proven;
  }

  /** Reads only; the folder is made when something is written. @param from, to identities of the two archives. */
  static async open(stateDir: string, from: string, to: string): Promise<TransferJournal> {
    const name = sha256Of(`${from}\n${to}`).slice(0, 32);
    const file = path.join(stateDir, 'transfers', `${name}.jsonl`);
    const text = (await onDisk(file, () => unlessAbsent(() => readFile(file, 'utf8')))) ?? '';
    const lines = text.split('\n').flatMap((line) => readLine(line) ?? []);
    return new TransferJournal(file, new Map(lines.map((one) => [one.key, one])));
  }

  /** True where every byte of just this export was proven in the target. */
  has(key: string, manifestSha256: string): boolean {
    const one = this.#proven.get(key);
    return one?.manifestSha256 === manifestSha256 && isWholeProof(one.proof);
  }

  async add(one: ProvenExport): Promise<void> {
    this.#proven.set(one.key, one);
    await onDisk(this.#file, async () => {
      await mkdir(path.dirname(this.#file), { recursive: true });
      // A line feed first: the run before may have been killed in the middle of a line.
      await appendFile(this.#file, `\n${JSON.stringify(one)}\n`);
    });
  }

  /** Says that nothing of it is needed any more. */
  async end(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

export function isWholeProof(proof: ProofKind | undefined): boolean {
  return WHOLE_PROOFS.includes(proof);
}

/** A journal is a cache of this machine: a line that is torn or damaged is the same as none. */
function readLine(line: string): ProvenExport | undefined {
  if (line === '') return undefined;
  try {
    const value = JSON.parse(line) as Partial<Record<keyof ProvenExport, unknown>> | null;
    const { key, manifestSha256, proof, at } = value ?? {};
    const isWhole =
      [key, manifestSha256, at].every((field) => typeof field === 'string') && WHOLE_PROOFS.includes(proof);
    return isWhole ? (value as ProvenExport) : undefined;
  } catch {
    return undefined;
  }
}
