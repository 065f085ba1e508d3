/** The query vectors with which nearest neighbours are compared: the same for everybody, independent of the data. */
import { hash } from 'node:crypto';
import type { VectorMetric } from '../schema/recipe.js';

const QUERIES = 5;
const DRAWS = 16;
const LARGEST_DRAW = 65_535;

const known = new Map<number, readonly Float32Array[]>();

/** Unit vectors of that many dimensions (docs/fingerprints.md, section 3.5). */
export function fixedQueries(dimensions: number): readonly Float32Array[] {
  const queries = known.get(dimensions) ?? Array.from({ length: QUERIES }, (_, at) => fixedQuery(at, dimensions));
  known.set(dimensions, queries);
  return queries;
}

/**
 * How near a vector is to a query: higher is nearer, NaN is nowhere. Cosine; minus the distance for l2; the inner
 * product for dot. Both have the same length.
 */
export function similarity(query: Float32Array, vector: Float32Array, metric: VectorMetric): number {
  let [product, querySquare, vectorSquare, distanceSquare] = [0, 0, 0, 0];
  for (let at = 0; at < query.length; at += 1) {
    const [a, b] = [query[at] ?? 0, vector[at] ?? 0];
    product += a * b;
    querySquare += a * a;
    vectorSquare += b * b;
    distanceSquare += (a - b) * (a - b);
  }
  if (metric === 'dot') return product;
  if (metric === 'l2') return -Math.sqrt(distanceSquare);
  return product / (Math.sqrt(querySquare) * Math.sqrt(vectorSquare));
}

function fixedQuery(query: number, dimensions: number): Float32Array {
  const components = Array.from({ length: dimensions }, (_, at) => draw(`lakepack query ${query} component ${at}`));
  // Whole numbers up to 2^20: their squares add up exactly, so that every language gets the same length.
  const length = Math.sqrt(components.reduce((sum, component) => sum + component * component, 0));
  return Float32Array.from(components, (component) => component / length);
}

/** A sum of sixteen draws is nearly normal, so that the queries point everywhere alike. */
function draw(name: string): number {
  const bytes = hash('sha256', name, 'buffer');
  let sum = 0;
  for (let at = 0; at < DRAWS; at += 1) sum += 2 * bytes.readUInt16BE(at * 2) - LARGEST_DRAW;
  return sum;
}
