/** Findings in bounded memory. */
import { expect, test } from 'vitest';
import { finding } from '../../src/base/findings.js';
import { FindingCollector, MAX_FINDINGS_PER_CODE } from '../../src/lake/finding-collector.js';

test('of each code the first thousand are kept, the rest are counted', () => {
  const collector = new FindingCollector();
  for (let at = 0; at < MAX_FINDINGS_PER_CODE + 7; at++) {
    collector.add(finding('SOURCE_SYMLINK', `link ${at}`, { path: `${at}` }));
  }
  collector.add(finding('SOURCE_UNREADABLE', 'closed', { path: 'x' }));
  const findings = collector.toFindings();
  expect(findings).toHaveLength(MAX_FINDINGS_PER_CODE + 2);
  expect(findings.at(-2)?.code).toBe('SOURCE_UNREADABLE');
  expect(findings.at(-1)).toMatchObject({
    code: 'SOURCE_SYMLINK',
    severity: 'warning',
    message: '7 more of this kind were found',
  });
});
