/**
 * Says which run a file of a lake belongs to: by the folders it stands in, and by what the lake's run manifests list.
 * It reads those manifests; which export a run's files go to is `scan.ts`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import type { PartitionFacts } from './contract.js';
import { readRunManifest, RUN_MANIFEST_SUFFIX, type RunManifestFacts } from './run-manifest-file.js';

/** A larger file is not read for what it lists; its name still says whose it is. */
export const MAX_RUN_MANIFEST_BYTES = 16 * MIB;
/** More listed paths than this, of all runs together, are refused: they are held in memory. */
const MAX_CLAIMS = 2_000_000;
const READS_PER_TURN = 64;

/** The run a path belongs to, or undefined. `facts` are those of the path's partition. */
export type RunOfPath = (lakePath: string, facts: PartitionFacts) => string | undefined;

/**
 * For one run, everything that belongs to it: paths with a folder named `runId`; its run manifests
 * (`<runId>.manifest.json`, or any `*.manifest.json` that says `"runId": "<runId>"`); what these list.
 */
export async function claimsOfRun(
  root: string,
  runId: string,
  manifests: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<RunOfPath> {
  const claims = new Claims();
  for await (const { path, facts } of readAll(root, manifests, signal)) {
    if (facts.runId === runId || bareName(path) === runId) claims.add(runId, path, facts);
  }
  return (lakePath) => (lakePath.split('/').includes(runId) ? runId : claims.runOf(lakePath));
}

/**
 * For all runs at once, so that a file has at most one: its `run-…` folder, or else the run whose manifest lists it;
 * of several the one with the greatest id, because run ids sort by time and the content is that of the last run.
 */
export async function claimsOfAllRuns(
  root: string,
  manifests: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<RunOfPath> {
  const claims = new Claims();
  for await (const { path, facts } of readAll(root, manifests, signal)) {
    const runId = facts.runId ?? runOfName(path);
    if (runId !== undefined) claims.add(runId, path, facts);
  }
  return (lakePath, facts) => facts.runId ?? claims.runOf(lakePath);
}

const NOTHING: Pick<RunManifestFacts, 'runId' | 'files' | 'artifacts'> = { files: [], artifacts: [] };

async function* readAll(
  root: string,
  paths: Iterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly path: string; readonly facts: typeof NOTHING }> {
  let count = 0;
  for (const path of paths) {
    if (count++ % READS_PER_TURN === 0) await nextTurn();
    throwIfAborted(signal);
    const facts = readRunManifest(root, path, MAX_RUN_MANIFEST_BYTES);
    yield { path, facts: facts ?? NOTHING };
  }
}

/** The run id in the name `run-….manifest.json`; a name without `run-` may be a date, a key, anything. */
function runOfName(lakePath: string): string | undefined {
  const name = bareName(lakePath);
  return name.startsWith('run-') ? name : undefined;
}

function bareName(lakePath: string): string {
  return lakePath.slice(lakePath.lastIndexOf('/') + 1, -RUN_MANIFEST_SUFFIX.length);
}

class Claims {
  readonly #runs = new Map<string, string>();

  add(runId: string, manifestPath: string, facts: typeof NOTHING): void {
    // A run's artifact may be a whole layer by mistake; a path of one name never says enough to be the run's.
    const listed = [...facts.files, ...facts.artifacts].filter((path) => path.includes('/'));
    for (const path of [manifestPath, ...listed]) this.#addOne(runId, path);
  }

  /** Looks the path up, and each folder above it. */
  runOf(lakePath: string): string | undefined {
    for (let path = lakePath; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
      const runId = this.#runs.get(path);
      if (runId !== undefined) return runId;
    }
    return undefined;
  }

  #addOne(runId: string, path: string): void {
    const before = this.#runs.get(path);
    if (before === undefined || before < runId) this.#runs.set(path, runId);
    if (this.#runs.size <= MAX_CLAIMS) return;
    throw new LakepackError('LIMIT_EXCEEDED', `run manifests: list too much: expected at most ${MAX_CLAIMS} paths`, {
      hint: 'export by partition',
    });
  }
}
