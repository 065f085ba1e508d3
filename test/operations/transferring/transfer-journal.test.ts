/** What a migration remembers of its proofs: across runs, torn lines, and nothing that is no proof. */
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TransferJournal } from '../../../src/operations/transferring/transfer-journal.js';
import { freshStateDir } from './kit.js';

const KEY = 'manifests/silver/x/20251011T080000Z-0a1b2c3d.export.json';
const PROVEN = { key: KEY, manifestSha256: 'ab', proof: 'read-back', at: '2025-10-11T08:00:00Z' } as const;

describe('the journal of a migration', () => {
  test('remembers for the same two archives only, and for the same manifest', async () => {
    const state = freshStateDir();
    await (await TransferJournal.open(state, 'a', 'b')).add(PROVEN);
    const again = await TransferJournal.open(state, 'a', 'b');
    expect(again.has(KEY, 'ab')).toBe(true);
    expect(again.has(KEY, 'other')).toBe(false);
    expect((await TransferJournal.open(state, 'b', 'a')).has(KEY, 'ab')).toBe(false);
    await again.end();
    expect((await TransferJournal.open(state, 'a', 'b')).has(KEY, 'ab')).toBe(false);
  });

  test('takes a torn or damaged line for none, and goes on behind it', async () => {
    const state = freshStateDir();
    const journal = await TransferJournal.open(state, 'a', 'b');
    await journal.add({ ...PROVEN, key: 'other' });
    const file = fileIn(state);
    appendFileSync(file, `${JSON.stringify(PROVEN).slice(0, 30)}\n[1]\nnull\n{"key":1}\n{"torn`);
    await journal.add(PROVEN);
    expect((await TransferJournal.open(state, 'a', 'b')).has(KEY, 'ab')).toBe(true);
  });

  test('a size or a sample is no proof, whoever wrote it there', async () => {
    const state = freshStateDir();
    await (await TransferJournal.open(state, 'a', 'b')).add(PROVEN);
    writeFileSync(fileIn(state), `${JSON.stringify({ ...PROVEN, proof: 'size' })}\n`);
    expect((await TransferJournal.open(state, 'a', 'b')).has(KEY, 'ab')).toBe(false);
  });
});

function fileIn(state: string): string {
  const folder = path.join(state, 'transfers');
  return path.join(folder, readdirSync(folder)[0] ?? '');
}
