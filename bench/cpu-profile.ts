/** Where the time of a process went, from the CPU profiles that V8 wrote for each of its threads. Pure. */
import { markdownTable } from './table.js';

/** What of a `.cpuprofile` is used (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface ThreadProfile {
  readonly isMain: boolean;
  readonly profile: CpuProfile;
}

/** Self time of one function on one kind of thread. */
export interface SelfTime {
  readonly group: string;
  readonly functionName: string;
  /** A file of ours below dist, of a library, or a module of Node. Empty: V8's own. */
  readonly file: string;
  readonly mainMs: number;
  readonly workersMs: number;
}

const IDLE = 'waiting';
/** The first that fits. A native function counts to the JavaScript that called it. */
const GROUPS: readonly (readonly [name: string, functionName: RegExp, file: RegExp])[] = [
  [IDLE, /^\(idle\)$/, /./],
  ['garbage collector', /^\(garbage collector\)$/, /./],
  ['native code without a name', /^\((program|root)\)$/, /./],
  ['messages between threads', /postMessage|receiveMessage|oninit|structuredClone/, /./],
  ['messages between threads', /./, /^node:internal\/(worker|per_context\/messageport|event_target)/],
  ['hashing (node:crypto)', /./, /^node:(internal\/)?crypto/],
  ['files (node:fs)', /./, /^node:(internal\/)?fs/],
  ['gzip (node:zlib)', /./, /^node:zlib/],
  ['zstd', /./, /(^codec\/zstd|mongodb-js\/zstd)/],
  ['loading modules', /compile(SourceText|Function)|importModule/, /./],
  ['loading modules', /./, /^node:internal\/(modules|vm|bootstrap|process)/],
  ['http and the AWS client', /./, /^(@aws-sdk|@smithy|@aws-crypto|undici)\//],
  ['http and the AWS client', /./, /^node:(_http|http|net|tls|internal\/(http|net|tls|stream_base|js_stream))/],
  ['looking into files', /./, /^(lake\/inspect|hyparquet)\//],
  ['lakepack: hashes, tar and frames', /./, /^(bundle|codec)\//],
  ['lakepack: the rest', /./, /^(base|schema|config|lake|remote|encryption|archive|operations|cli|drill|stores)\//],
  ['Node and libraries: the rest', /./, /./],
];
/** What the process spent beyond what was sampled: CPU of the process less the self time of its JavaScript. */
const OTHER_THREADS = "other threads: libuv's pool, V8's helpers";
const TOP = 12;
/** A part of all; less is left out. */
const LEAST_SHOWN = 0.005;

export function selfTimesOf(threads: readonly ThreadProfile[]): SelfTime[] {
  const times = new Map<string, SelfTime>();
  for (const { isMain, profile } of threads) {
    const frames = framesOf(profile);
    profile.samples.forEach((sample, index) => {
      const frame = frames.get(sample);
      if (frame === undefined) return;
      const key = `${frame.functionName}\n${frame.file}`;
      const ms = (profile.timeDeltas[index] ?? 0) / 1000;
      const before = times.get(key) ?? { ...frame, mainMs: 0, workersMs: 0 };
      const { mainMs, workersMs } = before;
      times.set(key, isMain ? { ...before, mainMs: mainMs + ms } : { ...before, workersMs: workersMs + ms });
    });
  }
  return [...times.values()].toSorted((a, b) => totalOf(b) - totalOf(a));
}

/**
 * Two tables: by kind of work, and the functions with the most self time.
 * @param cpuSeconds - of the whole process: what no JavaScript thread accounts for ran on other threads. Null: unknown.
 */
export function renderProfile(times: readonly SelfTime[], workers: number, cpuSeconds: number | null): string {
  const groups = [...new Set(GROUPS.map(([name]) => name))].map((group) => sumOf(group, times));
  const busy = groups.filter(({ group }) => group !== IDLE).toSorted((a, b) => totalOf(b) - totalOf(a));
  const sampled = busy.reduce((sum, group) => sum + totalOf(group), 0);
  const elsewhere = cpuSeconds === null ? 0 : Math.max(0, cpuSeconds * 1000 - sampled);
  const part = (ms: number) => ms / Math.max(1, sampled + elsewhere);
  const rowOf = (name: string, one: Pick<SelfTime, 'mainMs' | 'workersMs'>, share: string) => [
    name,
    `${one.mainMs.toFixed(0)} ms`,
    ...(workers === 0 ? [] : [`${one.workersMs.toFixed(0)} ms`]),
    share,
  ];
  const shareOf = (ms: number) => `${(100 * part(ms)).toFixed(0)} %`;
  const columns = [
    'main thread',
    ...(workers === 0 ? [] : [workers === 1 ? '1 worker' : `${workers} workers`]),
    'share',
  ];
  const dashes = columns.slice(1).map(() => '–');
  return [
    markdownTable([
      ['self time by kind of work', ...columns],
      ...busy
        .filter((one) => part(totalOf(one)) >= LEAST_SHOWN)
        .map((one) => rowOf(one.group, one, shareOf(totalOf(one)))),
      ...(part(elsewhere) < LEAST_SHOWN ? [] : [[OTHER_THREADS, ...dashes, shareOf(elsewhere)]]),
      rowOf(IDLE, sumOf(IDLE, times), '–'),
    ]),
    markdownTable([
      ['function', ...columns],
      ...times
        .filter(({ file }) => file !== '')
        .slice(0, TOP)
        .map((one) => rowOf(`\`${one.functionName}\` in \`${one.file}\``, one, shareOf(totalOf(one)))),
    ]),
  ].join('\n\n');
}

type Frame = Pick<SelfTime, 'group' | 'functionName' | 'file'>;

function framesOf({ nodes }: CpuProfile): Map<number, Frame> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  return new Map(
    nodes.map(({ id, callFrame }) => {
      let caller: number | undefined = id;
      while (caller !== undefined && byId.get(caller)?.callFrame.url === '') caller = parents.get(caller);
      const file = fileOf(caller === undefined ? '' : (byId.get(caller)?.callFrame.url ?? ''));
      const isOfV8 = callFrame.functionName.startsWith('(');
      return [id, frameOf(callFrame.functionName === '' ? 'anonymous' : callFrame.functionName, isOfV8 ? '' : file)];
    }),
  );
}

function frameOf(functionName: string, file: string): Frame {
  const found = GROUPS.find(([, name, where]) => name.test(functionName) && where.test(file === '' ? '-' : file));
  return { group: found![0], functionName, file };
}

/** Without what is in front of dist or of the library: no path of this machine. */
function fileOf(url: string): string {
  if (url.startsWith('node:')) return url;
  const library = /^.*\/node_modules\/(?<name>.+)$/.exec(url)?.groups?.['name'];
  return library ?? /^.*\/dist\/(?<name>.+)$/.exec(url)?.groups?.['name'] ?? '';
}

function sumOf(group: string, times: readonly SelfTime[]) {
  const own = times.filter((one) => one.group === group);
  const sum = (field: 'mainMs' | 'workersMs') => own.reduce((total, one) => total + one[field], 0);
  return { group, mainMs: sum('mainMs'), workersMs: sum('workersMs') };
}

function totalOf({ mainMs, workersMs }: Pick<SelfTime, 'mainMs' | 'workersMs'>): number {
  return mainMs + workersMs;
}
