/** What a fallback gave in place of the source, as a finding. */
import type { Healed } from '../../archive/contract.js';
import { parseBundleKey, parseManifestKey } from '../../archive/layout.js';
import { finding, type Finding, type FindingPlace } from '../../base/findings.js';

export function healedFinding({ key, block, from, by, reason }: Healed): Finding {
  const what = block === undefined ? key : `${key} block ${block}`;
  return finding(
    'HEALED',
    `${what}: taken from ${by}, since ${from} could not give it: ${reason}`,
    placeOf(key, block),
    {
      repair: `lakepack verify --archive ${from} shows what is damaged there`,
    },
  );
}

function placeOf(key: string, block: number | undefined): FindingPlace {
  const bundle = parseBundleKey(key);
  const export_ = bundle ?? parseManifestKey(key);
  return {
    ...(export_ !== undefined && { exportId: export_.exportId, partition: export_.path }),
    ...(bundle !== undefined && { bundle: bundle.name }),
    ...(block !== undefined && { block }),
  };
}
