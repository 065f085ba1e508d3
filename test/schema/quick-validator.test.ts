/** What the quick validator calls valid, Ajv calls valid too; and it knows what sound manifests and entries hold. */
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { FormatsPlugin } from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createQuickValidator } from '../../src/schema/quick-validator.js';
import { sampleEntries, sampleManifest } from './sample.js';

const FOLDER = new URL('../../schemas/', import.meta.url);
const isSurelyValid = createQuickValidator(FOLDER);
const require = createRequire(import.meta.url);
const { Ajv2020: Engine } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
const ajv = new Engine({ strict: true, strictRequired: false });
(require('ajv-formats') as { default: FormatsPlugin }).default(ajv, ['date-time']);
for (const name of readdirSync(FOLDER))
  ajv.addSchema(JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as object);

function isValid(schemaName: string, value: unknown): boolean {
  return ajv.getSchema(`https://lakepack.dev/schemas/${schemaName}.schema.json`)!(value) as boolean;
}

const MANIFEST: unknown = JSON.parse(JSON.stringify({ ...sampleManifest, manifestDigest: 'f'.repeat(64) }));
const ENTRIES = JSON.parse(JSON.stringify(sampleEntries)) as unknown[];

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, 2 ** 53, '', 'x', '\u{1f600}', [], {}, [1], { files: 1 }),
  fc.constantFrom('2025-02-30T00:00:00Z', '2025-12-31T23:59:59Z', '2025-10-11T24:00:00Z', '0000-01-01T00:00:00Z'),
  fc.constantFrom('directory', 'f'.repeat(64), 'F'.repeat(64), 'x'.repeat(256), 'x'.repeat(3_841), 'é'.repeat(3_840)),
  fc.jsonValue({ maxDepth: 2 }),
);

/** The value with one thing in it replaced, taken out or put in. */
function changed(value: unknown, steps: readonly number[], by: unknown, how: 'replace' | 'remove' | 'add'): unknown {
  const copy: unknown = structuredClone(value);
  let parent = copy as Record<string, unknown>;
  for (const [index, step] of steps.entries()) {
    const keys = Object.keys(parent);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) break;
    const child = parent[key];
    if (index < steps.length - 1 && typeof child === 'object' && child !== null) parent = child as typeof parent;
    else if (how === 'replace') parent[key] = by;
    else if (how === 'remove' && !Array.isArray(parent)) Reflect.deleteProperty(parent, key);
    else parent[`x${key}`] = by;
  }
  return copy;
}

const CASES: readonly (readonly [string, unknown])[] = [
  ['export.v1', MANIFEST],
  ...ENTRIES.map((entry) => ['file-entry.v1', entry] as const),
];

describe('the quick validator', () => {
  test.each(CASES)('is sure of a sound %s', (schemaName, value) => {
    expect(isValid(schemaName, value)).toBe(true);
    expect(isSurelyValid(schemaName, value)).toBe(true);
  });

  test('is never sure of what Ajv refuses', () => {
    const steps = fc.array(fc.nat(30), { minLength: 1, maxLength: 5 });
    const how = fc.constantFrom('replace' as const, 'remove' as const, 'add' as const);
    fc.assert(
      fc.property(fc.constantFrom(...CASES), steps, odd, how, ([schemaName, value], path, by, way) => {
        const one = changed(value, path, by, way);
        if (isSurelyValid(schemaName, one)) expect(isValid(schemaName, one)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('is sure of nothing where there is no such schema', () => {
    expect(isSurelyValid('no-such.v1', {})).toBe(false);
  });
});
