/**
 * Gathers what a walk finds into exports, and when the walk is over says what they are called and which are
 * selected. It reads nothing itself.
 */
import type { Finding } from '../base/findings.js';
import { comparePathBytes } from '../base/paths.js';
import type { Grouping } from '../schema/export-manifest.js';
import type { ExportSelection, PartitionFacts } from './contract.js';
import type { EntryListBuilder, EntryStore } from './entry-list.js';
import { compareFolders, exportPathOf } from './export-path.js';
import { FindingCollector } from './finding-collector.js';
import { factsOfGroup, groupKey, groupOf, scopeOfGroup, type Group, type GroupingFacts } from './grouping.js';
import { parsePartitionPath } from './partition-path.js';
import type { RunOfPath } from './run-claims.js';
import { assertNotInside, isSince, matchesSelect, type LakeSelect } from './select.js';
import type { WalkItem } from './walk.js';

export interface GroupingPlan {
  readonly by: Grouping;
  readonly select: LakeSelect;
  readonly lake: GroupingFacts;
  /** The run of a path; asked only when packing by run. */
  readonly runOf: RunOfPath;
}

export interface GroupedResult {
  readonly selections: readonly ExportSelection[];
  readonly findings: readonly Finding[];
}

interface OpenGroup {
  readonly group: Group;
  /** Undefined while there are only findings. */
  list: EntryListBuilder | undefined;
  readonly findings: FindingCollector;
}

export class GroupedLake {
  readonly #plan: GroupingPlan;
  readonly #store: EntryStore;
  readonly #groups = new Map<string, OpenGroup>();
  readonly #partitions = new Set<string>();
  /** Partitions with a file that a run manifest gave to a run. */
  readonly #sharedWithRuns = new Set<string>();
  #lastFacts: { readonly folder: string; readonly facts: PartitionFacts } = {
    folder: '',
    facts: parsePartitionPath(''),
  };

  constructor(plan: GroupingPlan, store: EntryStore) {
    this.#plan = plan;
    this.#store = store;
  }

  /** Items come as a walk yields them: entries sorted by path bytes. */
  add(item: WalkItem): void {
    if (item.type === 'finding') {
      this.#groupFor(item.finding.where.path ?? '', item.isFolder, hidesContent(item))?.findings.add(item.finding);
      return;
    }
    const { entry } = item;
    const isFolder = entry.type === 'directory';
    const facts = this.#factsFor(entry.path, isFolder);
    this.#partitions.add(facts.path);
    const group = this.#groupFor(entry.path, isFolder, false);
    if (group === undefined) return;
    if (group.group.type === 'run') this.#sharedWithRuns.add(facts.path);
    group.list ??= this.#store.openList();
    group.list.add(entry);
  }

  /** Throws SELECTOR_INVALID where the selection names a part of an export. */
  toResult(): GroupedResult {
    const partitions = [...this.#partitions].sort(compareFolders);
    const selections: ExportSelection[] = [];
    const findings = new FindingCollector();
    for (const { group, list, findings: found } of this.#groups.values()) {
      const selection = this.#selectionOf(group, partitions);
      if (selection === undefined) continue;
      if (list === undefined) found.toFindings().forEach((one) => findings.add(one));
      else if (isSince(this.#plan.select, list.newestMtimeNs)) {
        selections.push({ ...selection, entries: list, findings: found.toFindings() });
      }
    }
    selections.sort((a, b) => comparePathBytes(a.path, b.path));
    return { selections, findings: findings.toFindings() };
  }

  /** Undefined where the group is not selected. */
  #selectionOf(
    group: Group,
    partitions: readonly string[],
  ): Pick<ExportSelection, 'by' | 'path' | 'facts'> | undefined {
    const { by, select } = this.#plan;
    const path = exportPathOf(scopeOfGroup(group, partitions, this.#sharedWithRuns));
    const facts = factsOfGroup(group, by);
    assertNotInside(select, path, facts);
    // By run, what belongs to no run goes by partition, and says so.
    const groupedBy = by === 'run' && group.type !== 'run' ? 'partition' : by;
    return matchesSelect(select, path, facts) ? { by: groupedBy, path, facts } : undefined;
  }

  /** Undefined for what is outside of the one run that is selected. What may hide content of it counts as its own. */
  #groupFor(path: string, isFolder: boolean, hidesContent: boolean): OpenGroup | undefined {
    const { by, select, lake, runOf } = this.#plan;
    const facts = this.#factsFor(path, isFolder);
    const runId = by === 'run' ? (runOf(path, facts) ?? (hidesContent ? select.run : undefined)) : undefined;
    if (select.run !== undefined && runId === undefined) return undefined;
    const group = groupOf(by, facts, runId, lake);
    const key = groupKey(group);
    const open = this.#groups.get(key) ?? { group, list: undefined, findings: new FindingCollector() };
    this.#groups.set(key, open);
    return open;
  }

  /** Files come folder by folder, so the last folder's facts are nearly always the next file's. */
  #factsFor(path: string, isFolder: boolean): PartitionFacts {
    const folder = isFolder ? path : path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder !== this.#lastFacts.folder) this.#lastFacts = { folder, facts: parsePartitionPath(folder) };
    return this.#lastFacts.facts;
  }
}

/** True where a folder was not entered: anything may be in it. */
function hidesContent(item: Extract<WalkItem, { readonly type: 'finding' }>): boolean {
  return item.isFolder && item.finding.severity === 'error';
}
