/**
 * Judges names: which ones other disks cannot hold, and which two of one folder are one name elsewhere. It answers
 * for the judgement only; what follows from it is `file-policy.ts`.
 */

const MAX_NAME_UTF16 = 255;

/**
 * Why a file or folder name cannot stand on a Windows or macOS disk, or undefined when it can.
 * Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces".
 */
export function portabilityFault(name: string): string | undefined {
  // Most names of a lake end here: letters, digits and these, not ending in a dot, no device name.
  if (/^[\w=+,@%~-][\w=+,@%~.-]*[\w=+,@%~-]$/.test(name) && !isDeviceName(name) && name.length <= MAX_NAME_UTF16) {
    return undefined;
  }
  const forbidden = /[<>:"|?*\\]|[^ -\u{10ffff}]/u.exec(name)?.[0];
  if (forbidden !== undefined) return `has the character ${JSON.stringify(forbidden)}, which Windows does not allow`;
  if (/[. ]$/.test(name)) return 'ends with a dot or a space, which Windows drops';
  if (isDeviceName(name)) return 'is the name of a device on Windows';
  if (name.length > MAX_NAME_UTF16) return `is longer than ${MAX_NAME_UTF16} UTF-16 units`;
  return undefined;
}

function isDeviceName(name: string): boolean {
  return /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i.test(name);
}

/**
 * The groups of names, of one folder, that a disk without case (Windows, macOS) or without regard for Unicode
 * normalization (macOS) takes for one name. Needs 4 bytes a name, whatever their number, beside the names.
 */
export function findTwins(names: readonly string[]): readonly (readonly string[])[] {
  // Folded, most names are what they were, and no folder has a name twice.
  if (names.every((name) => FOLDED_ALREADY.test(name))) return [];
  const suspects = repeatedHashes(names);
  if (suspects.size === 0) return [];
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const folded = foldName(name);
    if (!suspects.has(hash(folded))) continue;
    const group = groups.get(folded);
    if (group === undefined) groups.set(folded, [name]);
    else group.push(name);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

const FOLDED_ALREADY = /^[ -@[-~]*$/;

/** A map of all folded names would cost a hundred bytes each in a folder of a million files; hashes cost four. */
function repeatedHashes(names: readonly string[]): ReadonlySet<number> {
  const hashes = Uint32Array.from(names, (name) => hash(foldName(name))).sort();
  const repeated = new Set<number>();
  for (let at = 1; at < hashes.length; at++) {
    const value = hashes[at];
    if (value !== undefined && value === hashes[at - 1]) repeated.add(value);
  }
  return repeated;
}

function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
