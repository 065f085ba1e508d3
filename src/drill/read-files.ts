/** Reads the files that people write for drills: plans and recipes. What they mean is `drill-plan.ts` and the schema's. */
import { open } from 'node:fs/promises';
import { onDisk } from '../base/system-errors.js';
import { MAX_RECIPE_BYTES, parseRecipe } from '../schema/parse-recipe.js';
import type { Recipe } from '../schema/recipe.js';
import type { DrillPlan } from './contract.js';
import { MAX_PLAN_BYTES, parseDrillPlan } from './drill-plan.js';

/** @throws PLAN_INVALID with every fault, NOT_FOUND, PERMISSION_DENIED. */
export async function readDrillPlan(file: string): Promise<DrillPlan> {
  return parseDrillPlan(await startOf(file, MAX_PLAN_BYTES + 1), file);
}

/** @throws RECIPE_INVALID with every fault, NOT_FOUND, PERMISSION_DENIED. */
export async function readRecipe(file: string): Promise<Recipe> {
  return parseRecipe(await startOf(file, MAX_RECIPE_BYTES + 1), file);
}

/** One byte more than is allowed is enough to be told that it is too large. */
async function startOf(file: string, maxBytes: number): Promise<Buffer> {
  return await onDisk(file, async () => {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  });
}
