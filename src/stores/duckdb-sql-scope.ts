/**
 * Judges the SQL of a recipe before it is run: one SELECT over `source`, no other table, file or setting, nothing
 * that gives another answer tomorrow; and whether it works row by row, so that what it makes of several exports can be
 * added up. It looks at DuckDB's own syntax tree, never at the text.
 */
import { LakepackError } from '../base/errors.js';
import { type Engine, type EngineCall, sqlText } from './duckdb-engine.js';

/** The column by which rows are told to files. Named so that no lake has it. */
export const FILE_COLUMN = 'lakepack file of row';

export interface JudgedSql {
  /** `export`: row by row. `lake`: it looks across rows. */
  readonly scope: 'export' | 'lake';
  /** The query as it is run. */
  readonly sql: string;
  /** Row by row only: the same with `FILE_COLUMN` of `source` added to what it selects. */
  readonly sqlWithFile: string | undefined;
}

type Node = Readonly<Record<string, unknown>>;

/** Table functions that read nothing but their arguments. */
const PURE_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['unnest', 'range', 'generate_series']);
/** They tell of the machine, the session or the clock, whatever DuckDB says of their stability. */
const TELLS_OF_SESSION =
  /^(current_|localtime|pg_|has_.*_privilege|inet_|txid_|getvariable$|getenv$|get_current_|get_block_size$|version$|in_search_path$|nextval$|currval$|write_log$|sleep)/;
/** Asked for a difference to today when they are given one argument. */
const TODAY_BY_DEFAULT: ReadonlySet<string> = new Set(['age']);
const RELATION = 'source';
const OWN_NAME = /^[a-z_][a-z0-9_]*$/;
const ENGINE_NAME = /^(duckdb|sqlite|pragma|pg)_/;

/** Throws RECIPE_INVALID; `call.subject` begins the message. */
export async function judgeSql(engine: Engine, sql: string, call: EngineCall): Promise<JudgedSql> {
  const tree = await parse(engine, sql, call);
  const nodes = [...nodesOf(tree.select)];
  const kinds = await functionKinds(engine, call);
  const fault = faultOf(nodes, kinds);
  if (fault !== undefined) throw refused(call.subject, fault);
  const isRowByRow = worksRowByRow(tree.select, nodes, kinds);
  return {
    scope: isRowByRow ? 'export' : 'lake',
    sql: await textOf(engine, tree.text, call),
    sqlWithFile: isRowByRow ? await textOf(engine, withFileColumn(tree), call) : undefined,
  };
}

interface Tree {
  /** As DuckDB wrote it. */
  readonly text: string;
  readonly select: Node;
}

async function parse(engine: Engine, sql: string, call: EngineCall): Promise<Tree> {
  const answer = await engine.rows(`SELECT json_serialize_sql(${sqlText(sql)})`, call);
  const text = String(answer[0]?.[0]);
  const root = JSON.parse(text) as Node;
  if (root['error'] === true) throw refused(call.subject, `is no query: ${String(root['error_message'])}`);
  const statements = root['statements'] as readonly Node[];
  const select = statements[0]?.['node'];
  if (statements.length !== 1 || !isNode(select)) {
    throw refused(call.subject, `expected one SELECT, got ${statements.length} statements`);
  }
  return { text, select };
}

function refused(subject: string, says: string): LakepackError {
  return new LakepackError('RECIPE_INVALID', `${subject}: sql: ${says}`, {
    hint: 'a recipe has one SELECT over the relation source, and nothing that changes from run to run (docs/recipes.md)',
  });
}

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item);
  } else if (isNode(value)) {
    yield value;
    for (const child of Object.values(value)) yield* nodesOf(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface FunctionKinds {
  readonly aggregates: ReadonlySet<string>;
  readonly changing: ReadonlySet<string>;
}

const knownKinds = new WeakMap<Engine, FunctionKinds>();

/** Asked once of an engine: its list is long. */
async function functionKinds(engine: Engine, call: EngineCall): Promise<FunctionKinds> {
  const known = knownKinds.get(engine);
  if (known !== undefined) return known;
  const rows = await engine.rows(
    `SELECT DISTINCT function_name, function_type = 'aggregate' FROM duckdb_functions()
     WHERE function_type = 'aggregate' OR (stability <> 'CONSISTENT' AND function_name <> 'error')`,
    call,
  );
  const namesWhere = (isAggregate: boolean): ReadonlySet<string> =>
    new Set(rows.filter((row) => row[1] === isAggregate).map((row) => String(row[0]).toLowerCase()));
  const kinds = { aggregates: namesWhere(true), changing: namesWhere(false) };
  knownKinds.set(engine, kinds);
  return kinds;
}

function faultOf(nodes: readonly Node[], kinds: FunctionKinds): string | undefined {
  const withNames = new Set([RELATION, ...nodes.flatMap(namesOfWith)]);
  for (const node of nodes) {
    const fault = tableFault(node, withNames) ?? functionFault(node, kinds) ?? columnFault(node);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * The names that WITH gives to queries; also where they are out of sight, so none that would then be a file or one of
 * the engine's own tables.
 */
function namesOfWith(node: Node): readonly string[] {
  const map = isNode(node['cte_map']) ? node['cte_map']['map'] : undefined;
  const named = Array.isArray(map) ? map.filter(isNode).map((entry) => String(entry['key']).toLowerCase()) : [];
  const names = typeof node['cte_name'] === 'string' ? [...named, node['cte_name'].toLowerCase()] : named;
  return names.filter((name) => OWN_NAME.test(name) && !ENGINE_NAME.test(name));
}

function tableFault(node: Node, known: ReadonlySet<string>): string | undefined {
  if (isNode(node['sample'])) return 'takes a sample, which differs from run to run';
  switch (node['type']) {
    case 'BASE_TABLE': {
      const isKnown = known.has(String(node['table_name']).toLowerCase());
      if (isKnown && node['schema_name'] === '' && node['catalog_name'] === '') return undefined;
      return `reads ${JSON.stringify(node['table_name'])}: expected source and nothing else`;
    }
    case 'TABLE_FUNCTION': {
      const name = functionName(node['function']);
      return PURE_TABLE_FUNCTIONS.has(name) ? undefined : `reads ${name}(): expected source and nothing else`;
    }
    case 'SHOW_REF':
      return 'describes tables: expected a SELECT';
    case 'COLUMN_DATA':
    case 'DELIM_GET':
      return `has a part that is not accepted: ${node['type']}`;
    default:
      return undefined;
  }
}

function functionName(node: unknown): string {
  return isNode(node) ? String(node['function_name']).toLowerCase() : '';
}

function functionFault(node: Node, kinds: FunctionKinds): string | undefined {
  if (typeof node['function_name'] !== 'string') return undefined;
  const name = node['function_name'].toLowerCase();
  const children = Array.isArray(node['children']) ? node['children'].length : 0;
  const isChanging = kinds.changing.has(name) || TELLS_OF_SESSION.test(name);
  if (isChanging || (TODAY_BY_DEFAULT.has(name) && children < 2)) {
    return `calls ${name}(), which differs from run to run`;
  }
  return undefined;
}

/** `current_date` and its like are written as columns, and are functions where there is no such column. */
function columnFault(node: Node): string | undefined {
  if (node['type'] !== 'COLUMN_REF' || !Array.isArray(node['column_names'])) return undefined;
  const names = node['column_names'].map((name) => String(name).toLowerCase());
  const [name = ''] = names;
  if (
    names.length > 1 ||
    !/^(current_(date|time|timestamp|user|schema|catalog|role)|localtime|localtimestamp)$/.test(name)
  ) {
    return undefined;
  }
  return `uses ${name}, which differs from run to run`;
}

function worksRowByRow(select: Node, nodes: readonly Node[], kinds: FunctionKinds): boolean {
  const selects = nodes.filter((node) => /_NODE$/.test(String(node['type'])));
  if (selects.length !== 1 || select['type'] !== 'SELECT_NODE') return false;
  const isPlain =
    isEmpty(select['modifiers']) &&
    isEmpty(select['group_expressions']) &&
    select['aggregate_handling'] === 'STANDARD_HANDLING' &&
    select['having'] === null &&
    select['qualify'] === null;
  return isPlain && readsRows(select['from_table']) && !nodes.some((node) => looksAcross(node, kinds, select));
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}

/** `source`, or `source` beside what it unnests of each row. */
function readsRows(from: unknown): boolean {
  if (!isNode(from)) return false;
  if (from['type'] === 'BASE_TABLE') return true;
  if (from['type'] !== 'JOIN' || !isNode(from['right']) || from['right']['type'] !== 'TABLE_FUNCTION') return false;
  const isSided = from['join_type'] === 'INNER' || from['join_type'] === 'LEFT';
  return isSided && readsRows(from['left']);
}

function looksAcross(node: Node, kinds: FunctionKinds, select: Node): boolean {
  if (node['class'] === 'WINDOW' || node['class'] === 'SUBQUERY') return true;
  // COLUMNS(…), and a whole row as one value, would see the column that tells the file.
  if (node['class'] === 'STAR' && node['columns'] === true) return true;
  if (node['type'] === 'COLUMN_REF' && namesRow(node, select)) return true;
  return typeof node['function_name'] === 'string' && kinds.aggregates.has(node['function_name'].toLowerCase());
}

function namesRow(node: Node, select: Node): boolean {
  const names = node['column_names'];
  if (!Array.isArray(names) || names.length !== 1) return false;
  const aliases = [...nodesOf(select['from_table'])].map((from) =>
    (typeof from['alias'] === 'string' ? from['alias'] : '').toLowerCase(),
  );
  return [RELATION, ...aliases].includes(String(names[0]).toLowerCase());
}

/**
 * In the text of the tree, because its numbers are larger than JavaScript keeps. The first list in it is that of the
 * one SELECT: a query that works row by row has no other before it.
 */
function withFileColumn(tree: Tree): string {
  const column = {
    class: 'COLUMN_REF',
    type: 'COLUMN_REF',
    alias: `${FILE_COLUMN}s`,
    query_location: 0,
    column_names: [sourceAlias(tree.select['from_table']), FILE_COLUMN],
  };
  return tree.text.replace('"select_list":[', (list) => `${list}${JSON.stringify(column)},`);
}

function sourceAlias(from: unknown): string {
  if (!isNode(from)) return RELATION;
  if (from['type'] === 'JOIN') return sourceAlias(from['left']);
  return typeof from['alias'] === 'string' && from['alias'] !== '' ? from['alias'] : RELATION;
}

async function textOf(engine: Engine, tree: string, call: EngineCall): Promise<string> {
  const answer = await engine.rows(`SELECT json_deserialize_sql(${sqlText(tree)})`, call);
  return String(answer[0]?.[0]).replace(/;\s*$/, '');
}
