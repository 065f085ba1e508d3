/**
 * A rehearsed restore: pick, pull, verify, unpack, rebuild, compare, assert, tear down, with the operations that an
 * operator would use on a bad day; then its evidence. Nothing live is touched, and nothing is believed.
 */
import { type Archive, archiveAt, type ArchivePlace, showPlace } from '../archive/archive.js';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { finding, type Finding } from '../base/findings.js';
import type { DrillRecord } from '../schema/drill-record.js';
import { assembleRecord, type DrilledRecipe } from './assemble-record.js';
import type { DrillOptions, DrillReport } from './contract.js';
import {
  assertStoresKnown,
  type DrillCaller,
  type DrillSettings,
  settingsOfDrill,
  storesOf,
} from './drill-settings.js';
import { isOfCaller, type StepCounts, StepLog } from './drill-steps.js';
import { type DrillTools, REAL_TOOLS } from './drill-tools.js';
import type { RestoredExport } from './expectations.js';
import { recipeInLake, recipePackedWith } from './find-recipe.js';
import { lookAtArchive, type PickedExport } from './look-at-archive.js';
import { leaveEvidence } from './leave-evidence.js';
import { PlacesJournal, removeLeftovers } from './made-places.js';
import { provenAmong } from './proven-among.js';
import { pullExports, type RestoreContext, unpackSound, verifyPulled } from './restore-steps.js';
import { makeScratch, type Scratch, scratchOf } from './scratch.js';
import { StoreRun } from './store-steps.js';
import { removeMade, tearDown } from './tear-down.js';

/**
 * Runs a drill, and stores its evidence. What is wrong with the archive, the stores or the way to them is in the
 * record, with its outcome; a drill that could not look to the end is never a pass.
 * @throws USAGE, PLAN_INVALID, SELECTOR_INVALID, SELECTOR_AMBIGUOUS, CONFIG_INVALID: the drill was asked wrongly.
 */
export async function drill(options: DrillOptions & DrillCaller): Promise<DrillReport> {
  return await runDrill(options, REAL_TOOLS);
}

/** As `drill`, with other tools. For tests. */
export async function runDrill(options: DrillOptions & DrillCaller, tools: DrillTools): Promise<DrillReport> {
  const settings = settingsOfDrill(options, tools.now());
  return await new DrillRun(settings, tools).run();
}

class DrillRun {
  readonly #settings: DrillSettings;
  readonly #tools: DrillTools;
  readonly #log: StepLog;
  readonly #scratch: Scratch;
  readonly #findings: Finding[] = [];
  readonly #startedMs: number;
  #archive: Archive | undefined;
  #journal: PlacesJournal | undefined;
  #picked: readonly PickedExport[] = [];
  #left = 0;
  #sound: readonly PickedExport[] = [];
  /** What was unpacked. */
  #restored: readonly PickedExport[] = [];
  /** Manifest keys of exports that are damaged in the archive, though they came whole. */
  #damaged: ReadonlySet<string> = new Set();
  /** Manifest keys. */
  #proven: ReadonlySet<string> = new Set();
  #recipe: DrilledRecipe | undefined;
  #storeNames: readonly string[] = [];
  #stores: StoreRun | undefined;

  constructor(settings: DrillSettings, tools: DrillTools) {
    this.#settings = settings;
    this.#tools = tools;
    this.#log = new StepLog(tools, settings.onProgress);
    this.#scratch = scratchOf(settings.scratchBase, settings.drillId);
    this.#startedMs = tools.clockMs();
    const { plan, recipe } = settings;
    this.#storeNames = plan.stores ?? (recipe === undefined ? [] : storesOf(plan, recipe));
  }

  async run(): Promise<DrillReport> {
    let kept: DrillRecord['kept'];
    try {
      await this.#steps();
    } finally {
      await this.#log.step('tear-down', undefined, async () => {
        kept = await this.#tearDown();
        return undefined;
      });
    }
    const { evidence } = this.#settings;
    return await leaveEvidence(this.#record(kept), evidence, this.#findings);
  }

  async #steps(): Promise<void> {
    const log = this.#log;
    if (!(await log.step('pick', undefined, () => this.#pick(), isOfCaller)) || this.#picked.length === 0) return;
    await log.step('pull', undefined, () => this.#pull());
    if (this.#mustStop() || this.#sound.length === 0) return;
    if (!(await log.step('verify', undefined, () => this.#verify())) || this.#sound.length === 0) return;
    if (!(await log.step('unpack', undefined, () => this.#unpack()))) return;
    await this.#rebuild();
  }

  /** After these nothing further can be looked at; after every other trouble, what came is. */
  #mustStop(): boolean {
    return this.#log.has('INTERRUPTED', 'DISK_FULL');
  }

  async #pick(): Promise<StepCounts> {
    const settings = this.#settings;
    await this.#removeLeftovers();
    throwIfAborted(settings.signal);
    this.#archive = await archiveAt(withoutConfiguredFallback(settings.from), { mode: 'read' });
    const look = await lookAtArchive(this.#archive, settings);
    look.reasons.forEach((reason) => this.#log.add(reason));
    this.#findings.push(...look.findings);
    this.#picked = look.picked;
    this.#damaged = look.damaged;
    this.#left = look.left;
    if (look.picked.length === 0) this.#sayNothingPicked(look.left);
    else await this.#assertSpace(look.storesPacked);
    return { files: this.#sum((one) => one.files), bytes: this.#sum((one) => one.storedBytes) };
  }

  #sayNothingPicked(left: number): void {
    const subject = showPlace(this.#settings.from);
    if (left > 0) {
      const message = `${subject}: none of the ${left} exports that are meant fits the budget of bytes`;
      this.#log.add({ code: 'BUDGET_REACHED', step: 'pick', message, hint: 'raise --max-bytes' });
    } else if (this.#log.outcome === 'pass') {
      const message = `${subject}: no export fits what the plan picks`;
      const hint = 'is it the right archive? lakepack catalog list shows what is there';
      this.#log.add({ code: 'NOTHING_TO_DRILL', step: 'pick', message, hint });
    }
  }

  /** Stored and unpacked, and as much again as was unpacked for every store. Throws DISK_FULL. */
  async #assertSpace(storesPacked: number): Promise<void> {
    const { plan, recipe, scratchBase } = this.#settings;
    const stores = plan.stores?.length ?? (recipe === undefined ? storesPacked : Object.keys(recipe.stores).length);
    const needed = this.#sum((one) => one.storedBytes) + (1 + stores) * this.#sum((one) => one.bytes);
    const free = await this.#tools.freeBytes(scratchBase);
    if (free >= needed) return;
    this.#picked = [];
    throw new LakepackError(
      'DISK_FULL',
      `${scratchBase}: not enough room for the drill: expected ${needed} bytes free, got ${free}`,
      { hint: 'give another folder with --scratch, drill less at once with --max-bytes, or rebuild fewer stores' },
    );
  }

  async #removeLeftovers(): Promise<void> {
    const { stateDir } = this.#settings;
    await removeLeftovers(
      stateDir,
      (made) => removeMade(made, this.#settings, this.#tools),
      (drillId, error) => this.#findings.push(notRemoved(drillId, error)),
    );
  }

  async #pull(): Promise<StepCounts> {
    const { stateDir, drillId } = this.#settings;
    this.#journal = await PlacesJournal.begin(stateDir, drillId, this.#scratch.folder);
    await makeScratch(this.#scratch);
    const { exports, counts, left, damaged } = await pullExports(this.#restoreContext(), this.#picked);
    if (left > 0) this.#picked = this.#picked.slice(0, this.#picked.length - left);
    this.#left += left;
    this.#sound = exports;
    this.#damaged = new Set([...this.#damaged, ...damaged]);
    return counts;
  }

  async #verify(): Promise<StepCounts> {
    const { sound, counts } = await verifyPulled(this.#restoreContext(), this.#sound);
    this.#sound = sound;
    return counts;
  }

  async #unpack(): Promise<StepCounts> {
    const counts = await unpackSound(this.#restoreContext(), this.#sound);
    this.#restored = this.#sound;
    return counts;
  }

  async #rebuild(): Promise<void> {
    const settings = this.#settings;
    if (settings.plan.stores?.length === 0) return;
    const restored = await this.#prepareRebuild();
    if (restored === undefined || this.#recipe === undefined || this.#journal === undefined) return;
    const context = {
      ...{ settings, tools: this.#tools, scratch: this.#scratch, log: this.#log },
      ...{ journal: this.#journal, recipe: this.#recipe.content, restored },
    };
    this.#stores = new StoreRun(context);
    await this.#stores.run(this.#storeNames);
  }

  /** The recipe and the manifests. Without a recipe there is nothing to rebuild: the files alone were drilled. */
  async #prepareRebuild(): Promise<readonly RestoredExport[] | undefined> {
    let restored: readonly RestoredExport[] = [];
    try {
      restored = await this.#manifests();
      this.#recipe = await this.#findRecipe(restored);
      if (this.#recipe === undefined) return undefined;
      assertStoresKnown(this.#settings.plan, this.#recipe.content, 'RECIPE_INVALID');
      this.#storeNames = storesOf(this.#settings.plan, this.#recipe.content);
      return restored;
    } catch (error) {
      // It has a step of its own in the record, so that the reason is not without one.
      await this.#log.step('rebuild', undefined, async () => {
        throw error;
      });
      return undefined;
    }
  }

  /** As they were pulled, so as they are in the archive. */
  async #manifests(): Promise<readonly RestoredExport[]> {
    const local = await archiveAt(this.#scratch.archive, { mode: 'read' });
    try {
      const restored: RestoredExport[] = [];
      for (const { ref } of this.#restored) {
        restored.push({ ref, manifest: await local.manifest(ref, this.#settings.signal) });
      }
      return restored;
    } finally {
      await local.close();
    }
  }

  async #findRecipe(restored: readonly RestoredExport[]): Promise<DrilledRecipe | undefined> {
    const { recipe } = this.#settings;
    if (recipe !== undefined) return { content: recipe, from: 'given' };
    const packed =
      recipePackedWith(restored.map(({ manifest }) => manifest)) ?? (await recipeInLake(this.#scratch.lake));
    return packed === undefined ? undefined : { content: packed, from: 'packed' };
  }

  async #tearDown(): Promise<DrillRecord['kept']> {
    const reasonsBefore = this.#log.reasons.length;
    await this.#archive?.close().catch((error: unknown) => this.#log.addError(error));
    if (this.#journal === undefined) return undefined;
    await this.#findProven().catch((error: unknown) => this.#log.addError(error));
    const kept = await tearDown(this.#settings, this.#scratch, this.#stores, this.#log);
    await this.#journal.end(this.#log.reasons.length === reasonsBefore);
    return kept;
  }

  /** Where something ended the drill before all was compared, nothing is known of what was not. */
  async #findProven(): Promise<void> {
    if (this.#restored.length === 0 || this.#log.has('INTERRUPTED', 'INTERNAL')) return;
    const local = await archiveAt(this.#scratch.archive, { mode: 'read' });
    try {
      const badTables = this.#stores?.badTables ?? new Set<string>();
      const candidates = this.#restored.filter(({ ref }) => !this.#damaged.has(ref.manifestKey));
      this.#proven = await provenAmong(local, candidates, badTables, this.#recipe?.content);
    } finally {
      await local.close();
    }
  }

  #record(kept: DrillRecord['kept']): Omit<DrillRecord, 'previous'> {
    return assembleRecord({
      settings: this.#settings,
      log: this.#log,
      archive: this.#archive?.url ?? showPlace(this.#settings.from),
      finishedAt: this.#tools.now(),
      elapsedMs: Math.max(0, Math.round(this.#tools.clockMs() - this.#startedMs)),
      picked: this.#picked,
      proven: this.#proven,
      left: this.#left,
      recipe: this.#recipe,
      storeNames: this.#storeNames,
      stores: this.#stores,
      kept,
    });
  }

  #restoreContext(): RestoreContext {
    const archive = this.#archive;
    if (archive === undefined) throw new LakepackError('INTERNAL', 'the archive of the drill is not open');
    const common = { settings: this.#settings, tools: this.#tools, scratch: this.#scratch, log: this.#log };
    return { ...common, archive, findings: this.#findings };
  }

  #sum(of: (one: PickedExport) => number): number {
    return this.#picked.reduce((total, one) => total + of(one), 0);
  }
}

/** What is drilled is this archive: a fallback would hide what is missing in it. One that was asked for is part of it. */
function withoutConfiguredFallback(place: ArchivePlace): ArchivePlace {
  if (typeof place === 'string') return { location: place, fallback: [] };
  return 'location' in place && place.fallback === undefined ? { ...place, fallback: [] } : place;
}

function notRemoved(drillId: string, error: unknown): Finding {
  const why = error instanceof Error ? error.message : String(error);
  return finding(
    'SOURCE_KEPT',
    `drill ${drillId} was killed, and what it left cannot be removed yet: ${why}`,
    {},
    {
      repair: 'the next drill tries again, with the connections of the stores in its environment',
    },
  );
}
