/**
 * The verbs of drills, each loaded when it is called: who packs or verifies does not wait for the engines, reports and
 * recipes that come with these.
 */
import type { notify as notifyNow } from './notify.js';
import type { writeCatalogOf as writeCatalogNow } from './catalog-store.js';
import type { history as historyNow } from './history.js';
import type { packWithFingerprints as packNow } from './pack-with-fingerprints.js';
import type { readDrillPlan as readPlanNow, readRecipe as readRecipeNow } from './read-files.js';
import type { rebuild as rebuildNow } from './rebuild.js';
import type { drill as drillNow } from './run-drill.js';
import type { status as statusNow } from './status.js';
import type { writeRecipe as writeRecipeNow } from './write-recipe.js';
import type { writeDrillReports as writeReportsNow } from './write-reports.js';

type AsyncVerb = (...args: never[]) => Promise<unknown>;

/** The same function, from a module that is not loaded yet. */
function later<Verb extends AsyncVerb>(load: () => Promise<Verb>): Verb {
  const verb = async (...args: Parameters<Verb>): Promise<unknown> => await (await load())(...args);
  return verb as Verb;
}

export const drill = later<typeof drillNow>(async () => (await import('./run-drill.js')).drill);
export const history = later<typeof historyNow>(async () => (await import('./history.js')).history);
export const status = later<typeof statusNow>(async () => (await import('./status.js')).status);
export const rebuild = later<typeof rebuildNow>(async () => (await import('./rebuild.js')).rebuild);
export const notify = later<typeof notifyNow>(async () => (await import('./notify.js')).notify);
export const writeRecipe = later<typeof writeRecipeNow>(async () => (await import('./write-recipe.js')).writeRecipe);
export const readRecipe = later<typeof readRecipeNow>(async () => (await import('./read-files.js')).readRecipe);
export const readDrillPlan = later<typeof readPlanNow>(async () => (await import('./read-files.js')).readDrillPlan);
export const writeCatalogOf = later<typeof writeCatalogNow>(
  async () => (await import('./catalog-store.js')).writeCatalogOf,
);
export const packWithFingerprints = later<typeof packNow>(
  async () => (await import('./pack-with-fingerprints.js')).packWithFingerprints,
);
export const writeDrillReports = later<typeof writeReportsNow>(
  async () => (await import('./write-reports.js')).writeDrillReports,
);
