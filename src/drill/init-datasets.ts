/** Which files of a lake would make one table: the tabular ones of a dataset, told by their paths alone. Pure. */
import { formatOfName } from '../stores/duckdb-look.js';

export interface Dataset {
  /** `silver/orders`. */
  readonly path: string;
  /** The name of its table. */
  readonly table: string;
  readonly from: readonly string[];
  readonly files: readonly string[];
  /** Raw data: a table only where its documents are flat. */
  readonly mustBeFlat: boolean;
}

const REFINED_LAYERS: ReadonlySet<string> = new Set(['silver', 'gold']);
const NO_LAYERS: ReadonlySet<string> = new Set(['manifests', 'exports', 'drills']);

export function datasetsOf(files: readonly string[]): {
  readonly datasets: readonly Dataset[];
  readonly notes: readonly string[];
} {
  const groups = new Map<string, string[]>();
  const data = files.filter(isData);
  const isOfKinds = datasetsOfKinds(data);
  for (const file of data) {
    const key = groupOf(file, isOfKinds);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const names = new Map<string, string>();
  const datasets = [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([glob, group]) => datasetOf(glob, group, names));
  return {
    datasets,
    notes: datasets.length === 0 ? ['no Parquet, CSV or JSON was found in a dataset of the lake'] : [],
  };
}

function isData(file: string): boolean {
  const folders = file.split('/');
  if (folders.length < 3 || NO_LAYERS.has(folders[0] ?? '') || folders[1] === 'manifests') return false;
  return formatOfName(file) !== undefined && !folders.some((name) => name.startsWith('.') || name.startsWith('_'));
}

/** Datasets that have so many names of files have one for each day or download, and not one for each kind. */
const MAX_KINDS = 12;

/** Raw CSV files of one name belong together: a dataset may have several kinds side by side. */
function datasetsOfKinds(files: readonly string[]): (dataset: string) => boolean {
  const kinds = new Map<string, Set<string>>();
  for (const file of files) {
    const folders = file.split('/');
    if (formatOfName(file) !== 'csv') continue;
    const dataset = folders.slice(0, 2).join('/');
    const names = kinds.get(dataset) ?? new Set();
    kinds.set(dataset, names.add(folders.at(-1) ?? ''));
  }
  return (dataset) => (kinds.get(dataset)?.size ?? 0) <= MAX_KINDS;
}

/** The glob of the files that make one table with this one. */
function groupOf(file: string, isOfKinds: (dataset: string) => boolean): string {
  const folders = file.split('/');
  const [layer = '', dataset = ''] = folders;
  const name = folders.at(-1) ?? '';
  const isKind = !REFINED_LAYERS.has(layer) && formatOfName(file) === 'csv' && isOfKinds(`${layer}/${dataset}`);
  if (isKind) return `${layer}/${dataset}/**/${name}`;
  return `${layer}/${dataset}/**/*${/(\.[a-z]+(\.(gz|zst))?)$/i.exec(name)?.[1] ?? ''}`;
}

/** Refined data first, so that its tables have the plain names. */
function rank(glob: string): number {
  return REFINED_LAYERS.has(glob.split('/')[0] ?? '') ? 0 : 1;
}

function datasetOf(glob: string, files: readonly string[], names: Map<string, string>): Dataset {
  const [layer = '', dataset = ''] = glob.split('/');
  const file = glob.split('/').at(-1) ?? '';
  const suffix = file.startsWith('*') ? '' : `_${file.replace(/\..*$/, '')}`;
  const plain = nameOf(`${dataset}${suffix}`);
  const table = names.has(plain) ? freeName(nameOf(`${layer}_${dataset}${suffix}`), names) : plain;
  names.set(table, glob);
  const mustBeFlat = !REFINED_LAYERS.has(layer);
  return { path: `${layer}/${dataset}`, table, from: [escapedGlob(glob)], files, mustBeFlat };
}

/** A folder may be named like a pattern. Below layer and dataset, stars that begin a name are ours. */
function escapedGlob(glob: string): string {
  const names = glob.split('/').map((name, at) => {
    const stars = at < 2 ? '' : (/^\*+/.exec(name)?.[0] ?? '');
    return stars + name.slice(stars.length).replace(/[\\*?[\]{}()!+@|]/g, '\\$&');
  });
  return names.join('/');
}

const MAX_NAME_CHARS = 60;

function nameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .slice(0, MAX_NAME_CHARS);
  return /^[a-z_]/.test(name) ? name : `t_${name}`;
}

function freeName(name: string, names: ReadonlyMap<string, string>): string {
  let free = name;
  for (let count = 2; names.has(free); count += 1) free = `${name}_${count}`;
  return free;
}
