/**
 * The schemas of a PostgreSQL store: the one that is built in, what killed runs left, and the swap at the end. A build
 * is known by its comment, and its builder is alive as long as a session holds the advisory lock that the comment names.
 * Nothing is dropped but builds whose builder is gone, and at a swap the schema that was to be replaced.
 */
import { LakepackError } from '../base/errors.js';
import { sha256Of } from '../base/sha256.js';
import type { GuardOptions, PostgresConnection } from './postgres-connection.js';
import { NAME_BYTES } from './postgres-target.js';
import { literal, quoted } from './postgres-types.js';

export interface BuildSchema {
  readonly name: string;
  readonly target: string;
  readonly marker: string;
}

const BUILD_COMMENT = /^lakepack: an unfinished build of "(.+)"; unused when nobody holds advisory lock (-?\d+)$/;
const DONE_COMMENT = 'a derived store, built by lakepack: what it holds can be rebuilt from the lake';
const HASH_LETTERS = 8;
/** How long the swap waits for those who work in the schema to be replaced. */
const SWAP_WAIT_SECONDS = 30;

/** Names of one target and marker differ from all others', also where the target's is too long to be kept whole. */
export function buildSchemaOf(target: string, marker: string): BuildSchema {
  return { name: nameWith(target, `__lakepack_${marker}`), target, marker };
}

function nameWith(target: string, ending: string): string {
  if (Buffer.byteLength(target + ending) <= NAME_BYTES) return target + ending;
  const hash = sha256Of(target).slice(0, HASH_LETTERS);
  const room = NAME_BYTES - Buffer.byteLength(ending) - HASH_LETTERS - 1;
  let start = target;
  while (Buffer.byteLength(start) > Math.max(room, 0)) start = Array.from(start).slice(0, -1).join('');
  return `${start}_${hash}${ending}`;
}

/** Takes the lock and makes the schema, told as a build from its first moment. Throws TARGET_CONFLICT when it is there. */
export async function createBuild(connection: PostgresConnection, build: BuildSchema, call: GuardOptions) {
  const lock = lockOf(build.name);
  if (!(await tryLock(connection, lock, call)) || (await schemaId(connection, build.name, call)) !== undefined) {
    throw new LakepackError('TARGET_CONFLICT', `schema ${build.name}: another run builds in it`, {
      hint: 'wait for its end, or drop the schema when nobody knows of it',
    });
  }
  const comment = `lakepack: an unfinished build of "${build.target}"; unused when nobody holds advisory lock ${lock}`;
  await connection.run(
    `BEGIN; CREATE SCHEMA ${quoted(build.name)}; COMMENT ON SCHEMA ${quoted(build.name)} IS ${literal(comment)}; COMMIT`,
    call,
  );
}

/** Drops builds of the target whose builder is gone. */
export async function dropLeftovers(connection: PostgresConnection, target: string, call: GuardOptions): Promise<void> {
  const schemas = await connection.run(
    "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname LIKE '%\\_\\_lakepack\\_%'",
    call,
  );
  for (const [name, comment] of schemas.rows) {
    const [, of, lock] = BUILD_COMMENT.exec(comment ?? '') ?? [];
    if (typeof name !== 'string' || of !== target || lock === undefined) continue;
    if (!(await tryLock(connection, lock, call))) continue;
    await dropSchema(connection, name, call);
    await connection.run(`SELECT pg_advisory_unlock(${lock})`, call);
  }
}

export async function dropSchema(connection: PostgresConnection, name: string, call: GuardOptions): Promise<void> {
  await connection.run(`SET client_min_messages = warning; DROP SCHEMA IF EXISTS ${quoted(name)} CASCADE`, call);
}

/** Throws TARGET_NOT_EMPTY when there is something in the schema and it may not be replaced. */
export async function refuseFilled(
  connection: PostgresConnection,
  target: string,
  replace: boolean,
  call: GuardOptions,
): Promise<void> {
  if (replace) return;
  const { rows } = await connection.run(
    `SELECT n.oid::text FROM pg_namespace n WHERE n.nspname = ${literal(target)} AND (
       EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid) OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid)
       OR EXISTS (SELECT FROM pg_type WHERE typnamespace = n.oid))`,
    call,
  );
  if (rows.length === 0) return;
  throw new LakepackError('TARGET_NOT_EMPTY', `schema ${target}: expected nothing in it, got tables or other objects`, {
    hint: 'name another schema, or say that this one may be replaced (--replace)',
  });
}

/**
 * Gives the build the target's name, in one transaction: others see the old schema whole or the new one whole. Roles
 * that could use the old schema and tables of the same names can use the new ones.
 */
export async function swapIn(
  connection: PostgresConnection,
  { name, target, marker }: BuildSchema,
  replace: boolean,
  call: GuardOptions,
): Promise<void> {
  // Repeatable read: what others create meanwhile is not taken for a change of ours.
  await connection.run(`BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '${SWAP_WAIT_SECONDS}s'`, call);
  try {
    await refuseFilled(connection, target, replace, call);
    const old = nameWith(target, `__old_${marker}`);
    const oldId = await schemaId(connection, target, call);
    if (oldId !== undefined) await connection.run(`ALTER SCHEMA ${quoted(target)} RENAME TO ${quoted(old)}`, call);
    const comment = `COMMENT ON SCHEMA ${quoted(target)} IS ${literal(DONE_COMMENT)}`;
    await connection.run(`ALTER SCHEMA ${quoted(name)} RENAME TO ${quoted(target)}; ${comment}`, call);
    if (oldId !== undefined) await replaceOld(connection, { id: oldId, name: old, target }, call);
    await connection.run('COMMIT', call);
  } catch (error) {
    // After a broken connection there is nothing to roll back, and the first error is the one to tell.
    await connection.client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function replaceOld(
  connection: PostgresConnection,
  old: { readonly id: string; readonly name: string; readonly target: string },
  call: GuardOptions,
): Promise<void> {
  for (const [grant] of (await connection.run(grantsSql(old.id, old.target), call)).rows) {
    if (typeof grant === 'string') await connection.run(grant, call);
  }
  const before = await countOutside(connection, old.id, call);
  await dropSchema(connection, old.name, call);
  if ((await countOutside(connection, old.id, call)) === before) return;
  throw new LakepackError('TARGET_CONFLICT', `schema ${old.target}: something outside of it is made from its tables`, {
    hint: 'a view, a foreign key or an extension would go with it: move it, or rebuild into another schema',
  });
}

/** The same privileges for others on the new schema, and on its tables where the old ones had them. */
function grantsSql(oldId: string, target: string): string {
  const grantee = "CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END";
  const option = "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END";
  return `SELECT format('GRANT %s ON SCHEMA %I TO %s%s', a.privilege_type, ${literal(target)}, ${grantee}, ${option})
    FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid = ${oldId} AND a.grantee <> n.nspowner
  UNION ALL SELECT format('GRANT %s ON TABLE %I.%I TO %s%s', a.privilege_type, ${literal(target)}, c.relname, ${grantee}, ${option})
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = ${oldId} AND a.grantee <> c.relowner AND c.relkind = 'r'
    AND EXISTS (SELECT FROM pg_class f JOIN pg_namespace n ON n.oid = f.relnamespace
                WHERE n.nspname = ${literal(target)} AND f.relname = c.relname AND f.relkind = 'r')`;
}

/** Of everything that a DROP … CASCADE can take along, what stands in other schemas. */
async function countOutside(connection: PostgresConnection, schema: string, call: GuardOptions): Promise<string> {
  const classes = `SELECT oid FROM pg_class WHERE relnamespace NOT IN (${schema}, 'pg_toast'::regnamespace)`;
  const { rows } = await connection.run(
    `WITH c AS MATERIALIZED (${classes}) SELECT concat_ws(' ', (SELECT count(*) FROM c),
      (SELECT count(*) FROM pg_proc WHERE pronamespace <> ${schema}),
      (SELECT count(*) FROM pg_type WHERE typnamespace NOT IN (${schema}, 'pg_toast'::regnamespace)),
      (SELECT count(*) FROM pg_constraint WHERE connamespace <> ${schema}),
      (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped AND attrelid IN (SELECT oid FROM c)),
      (SELECT count(*) FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM c)),
      (SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM c)),
      (SELECT count(*) FROM pg_policy WHERE polrelid IN (SELECT oid FROM c)),
      (SELECT count(*) FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM c)),
      (SELECT count(*) FROM pg_extension))`,
    call,
  );
  return rows[0]?.[0] ?? '';
}

async function schemaId(connection: PostgresConnection, name: string, call: GuardOptions): Promise<string | undefined> {
  const { rows } = await connection.run(`SELECT oid::text FROM pg_namespace WHERE nspname = ${literal(name)}`, call);
  return rows[0]?.[0] ?? undefined;
}

/** A lock of the session: the server lets go of it when the connection ends, in whatever way. */
async function tryLock(connection: PostgresConnection, lock: string, call: GuardOptions): Promise<boolean> {
  const { rows } = await connection.run(`SELECT pg_try_advisory_lock(${lock})`, call);
  return rows[0]?.[0] === 't';
}

/** 64 bits of the name's hash. */
function lockOf(name: string): string {
  return Buffer.from(sha256Of(`lakepack ${name}`), 'hex')
    .readBigInt64BE()
    .toString();
}
