/** The digest a manifest carries of itself: any change of any byte shows, and nothing else depends on it. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MANIFEST_DIGEST_FIELD, NO_DIGEST } from '../../src/schema/manifest-digest.js';
import { parseManifest, readManifest } from '../../src/schema/parse-manifest.js';
import { serializeManifest } from '../../src/schema/serialize-manifest.js';
import { resealed, sampleManifest, sampleWithIndex, sealedText } from './sample.js';

const good = serializeManifest(sampleManifest);
const text = good.toString();
const line = text.split('\n')[2]!;

function messagesOf(bytes: Buffer): readonly string[] {
  const reading = readManifest(bytes);
  return reading.ok ? [] : reading.list.faults.map(({ path, message }) => `${path}: ${message}`);
}

describe('the line', () => {
  test('is the second of the document, and anybody can compute it', () => {
    const digits = /^ {2}"manifestDigest": "([0-9a-f]{64})",$/.exec(line)?.[1];
    const zeroed = text.replace(digits!, NO_DIGEST);
    expect(digits).toBe(createHash('sha256').update(zeroed).digest('hex'));
  });

  test('is checked and taken away by the reader', () => {
    for (const manifest of [sampleManifest, sampleWithIndex()]) {
      const back = parseManifest(serializeManifest(manifest), 'x');
      expect(back).toEqual(manifest);
      expect(back).not.toHaveProperty(MANIFEST_DIGEST_FIELD);
    }
  });

  test('differs where one word of the manifest does', () => {
    const other = serializeManifest({ ...sampleManifest, provenance: { note: 'invented.' } }).toString();
    expect(other.split('\n')[2]).not.toBe(line);
  });

  test('is not confused by a value that looks like it', () => {
    const looksLikeIt = { [MANIFEST_DIGEST_FIELD]: 'f'.repeat(64), text: `\n  "manifestDigest": "${'e'.repeat(64)}"` };
    const manifest = { ...sampleManifest, signature: looksLikeIt, provenance: { note: looksLikeIt.text } };
    expect(parseManifest(serializeManifest(manifest), 'x')).toEqual(manifest);
  });

  test('covers unknown fields, which are kept', () => {
    const manifest = { ...sampleManifest, later: { digest: [1, null, 'é'] }, zz: false };
    const bytes = serializeManifest(manifest);
    const back = parseManifest(bytes, 'x');
    expect(back).toEqual(manifest);
    expect(serializeManifest(back)).toEqual(bytes);
    const changed = Buffer.from(bytes.toString().replace('"zz": false', '"zz": true '));
    expect(messagesOf(changed)).toEqual([expect.stringContaining('/manifestDigest: the manifest was changed')]);
  });
});

describe('a change is refused', () => {
  test.each([0x01, 0x02, 0x10, 0x20, 0x80, 0xff])('any byte, its bits %i flipped', (mask) => {
    for (let at = 0; at < good.length; at += 1) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(at) ^ mask, at);
      const reading = readManifest(bad);
      // Written so that the 20,000 assertions cost nothing while they hold.
      if (reading.ok || reading.list.count === 0) expect.fail(`byte ${at} was changed and read all the same`);
    }
  });

  test('any byte that is lost, doubled or swapped with the next', () => {
    for (let at = 0; at < good.length; at += 1) {
      const [head, rest] = [good.subarray(0, at), good.subarray(at)];
      const swapped = Buffer.from(good);
      if (at + 1 < good.length) {
        swapped.writeUInt8(good.readUInt8(at + 1), at);
        swapped.writeUInt8(good.readUInt8(at), at + 1);
      }
      const lost = Buffer.concat([head, rest.subarray(1)]);
      const doubled = Buffer.concat([head, rest.subarray(0, 1), rest]);
      for (const bad of [lost, doubled, swapped]) {
        if (!bad.equals(good) && readManifest(bad).ok) expect.fail(`byte ${at} was changed and read all the same`);
      }
    }
  });

  test('any beginning, to the last byte', () => {
    for (let length = 0; length < good.length; length += 1) {
      if (readManifest(good.subarray(0, length)).ok) expect.fail(`${length} bytes were read as a manifest`);
    }
  });

  test('white space behind the end', () => {
    expect(messagesOf(Buffer.concat([good, Buffer.from('\n')]))).toHaveLength(1);
  });

  test('a missing line is told twice: by the digest and by the schema', () => {
    expect(messagesOf(Buffer.from(text.replace(`${line}\n`, '')))).toEqual([
      '/manifestDigest: expected a line with the digest, got none',
      '/manifestDigest: is missing',
    ]);
  });

  test('a digest that does not stand in a line of its own', () => {
    const joined = text.replace(`,\n${line}`, `, ${line.trim()}`);
    expect(JSON.parse(joined)).toEqual(JSON.parse(text));
    expect(messagesOf(Buffer.from(joined))).toEqual(['/manifestDigest: expected a line with the digest, got none']);
  });

  test('a digest that is cut short at the end of the document', () => {
    expect(messagesOf(Buffer.from(`{\n  "manifestDigest": "${'0'.repeat(63)}`))).toHaveLength(2);
  });

  test.each([line, line.replace(/[0-9a-f]{64}/, 'f'.repeat(64)), line.replace(/[0-9a-f]{64}/, NO_DIGEST)])(
    'a second line: %s',
    (second) => {
      for (const doubled of [`${line}\n${second}`, `${second}\n${line}`]) {
        expect(readManifest(Buffer.from(text.replace(line, () => doubled))).ok).toBe(false);
      }
    },
  );

  test('other digits, also the right ones in capitals', () => {
    const digits = /[0-9a-f]{64}/.exec(line)![0];
    for (const wrong of [NO_DIGEST, 'f'.repeat(64), digits.toUpperCase(), digits.split('').reverse().join('')]) {
      expect(readManifest(Buffer.from(text.replace(digits, wrong))).ok).toBe(false);
    }
  });
});

describe('a newer version', () => {
  test('is told as such, whatever its digest is', () => {
    const newer = Buffer.from(text.replace('"formatVersion": 1', '"formatVersion": 2'));
    for (const bytes of [
      newer,
      resealed(newer),
      sealedText('{"formatVersion":2}'),
      Buffer.from('{"formatVersion":2}'),
    ]) {
      expect(readManifest(bytes)).toMatchObject({ ok: false, code: 'MANIFEST_VERSION' });
    }
  });
});

test('a digest that came along from a careless reading is not written twice', () => {
  expect(
    serializeManifest({ ...sampleManifest, [MANIFEST_DIGEST_FIELD]: 'f'.repeat(64) } as typeof sampleManifest),
  ).toEqual(good);
});

test('a second line with the digest is refused, also where both are right', () => {
  const twice = Buffer.from(text.replace(line, `${line}\n${line}`));
  expect(messagesOf(twice).join()).toContain('/manifestDigest');
});
