/**
 * Reads a drill plan: the file of `lakepack drill run PLAN`, and what a program passes as `plan`. It answers for every
 * fault being told at once, and for a mistyped word not being passed over.
 */
import { parseAsOf } from '../base/duration.js';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { parseWhere } from '../lake/where-parser.js';
import { createFaultCollector, faultText, type ManifestFault } from '../schema/manifest-fault.js';
import { schemaFaults } from '../schema/validator.js';
import type { DrillAssertion, DrillPlan } from './contract.js';

export const MAX_PLAN_BYTES = 256 * 1024;
const SCHEMA = 'drill-plan.v1';

/**
 * @param value the bytes of a plan file, or its JSON value.
 * @param where the file, as a reader knows it.
 * @throws PLAN_INVALID with every fault.
 */
export function parseDrillPlan(value: unknown, where: string): DrillPlan {
  const plan = value instanceof Uint8Array ? jsonOf(value, where) : value;
  const faults = createFaultCollector();
  faults.add(schemaFaults(SCHEMA, plan));
  // What a plan means can only be asked where it has the shape of one.
  if (faults.count === 0) faults.add(meaningFaults(plan as DrillPlan));
  if (faults.count > 0) throw invalid(faultText(where, faults));
  return plan as DrillPlan;
}

function jsonOf(bytes: Uint8Array, where: string): unknown {
  if (bytes.length > MAX_PLAN_BYTES) {
    throw invalid(`${where}: is too large: expected at most ${MAX_PLAN_BYTES} bytes, got ${bytes.length}`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw invalid(`${where}: is not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function meaningFaults({ pick, stores, assertions = [] }: DrillPlan): readonly ManifestFault[] {
  const { where, asOf } = pick.select ?? {};
  return [
    ...faultOf('/pick/select/where', () => where !== undefined && parseWhere(where)),
    ...faultOf('/pick/select/asOf', () => asOf !== undefined && parseAsOf(asOf, new Date(0))),
    ...twinFaults(
      '/assertions',
      assertions.map(({ name }) => name),
    ),
    ...assertions.flatMap((one, index) => assertionFaults(one, `/assertions/${index}`, stores)),
  ];
}

function assertionFaults(
  { equals, atLeast, atMost, store }: DrillAssertion,
  path: string,
  stores: readonly string[] | undefined,
): readonly ManifestFault[] {
  const faults: ManifestFault[] = [];
  const hasBounds = atLeast !== undefined || atMost !== undefined;
  if ((equals !== undefined) === hasBounds) {
    faults.push({ path, message: 'expected either equals, or atLeast and atMost or one of the two' });
  }
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
    faults.push({ path: `${path}/atMost`, message: `expected at least ${atLeast}, got ${atMost}` });
  }
  if (stores !== undefined && !stores.includes(store)) {
    faults.push({ path: `${path}/store`, message: `expected one of the plan's stores, got "${store}"` });
  }
  return faults;
}

function twinFaults(path: string, names: readonly string[]): readonly ManifestFault[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ path: `${path}/${index}/name`, message: `"${name}" is there twice` }] : [],
  );
}

function faultOf(path: string, check: () => unknown): readonly ManifestFault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!isLakepackError(error, 'SELECTOR_INVALID')) throw error;
    return [{ path, message: error.message }];
  }
}

function invalid(message: string, cause?: unknown): LakepackError {
  return new LakepackError('PLAN_INVALID', message, {
    cause,
    hint: 'docs/drills.md has examples; schemas/drill-plan.v1.schema.json is what an editor checks against',
  });
}
