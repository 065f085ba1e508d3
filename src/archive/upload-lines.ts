/** The lines of an upload's journal: what they say together, whatever a crash left of them. Pure. */
import type { StoredPart, Upload } from '../remote/remote.js';

export interface JournalledPart extends StoredPart {
  /** Of the bytes that were sent, hex. */
  readonly sha256: string;
}

/** An upload as the journal has it. */
export interface JournalledUpload extends Upload {
  /** Size of every part but the last. */
  readonly partBytes: number;
  readonly begunAt: Date;
  /** Parts that were stored, by number. */
  readonly sent: ReadonlyMap<number, JournalledPart>;
  /** Parts that were under way when it was left. */
  readonly sending: ReadonlySet<number>;
}

export type UploadLine =
  | { readonly begun: { readonly key: string; readonly id: string; readonly partBytes: number; readonly at: string } }
  | { readonly sending: number }
  | { readonly sent: JournalledPart };

/** Undefined where it does not say which upload it is. A line that is torn says nothing. */
export function readUploadLines(text: string): JournalledUpload | undefined {
  let upload: Omit<JournalledUpload, 'sent' | 'sending'> | undefined;
  const sent = new Map<number, JournalledPart>();
  const sending = new Set<number>();
  for (const line of text.split('\n')) {
    const said = parse(line);
    if (said === undefined) continue;
    if ('begun' in said) {
      const { key, id, partBytes, at } = said.begun;
      upload = { key, id, partBytes, begunAt: new Date(at) };
    } else if ('sending' in said) {
      // Sent anew, what was stored before under this number may be replaced by now.
      sent.delete(said.sending);
      sending.add(said.sending);
    } else {
      sent.set(said.sent.number, said.sent);
      sending.delete(said.sent.number);
    }
  }
  return upload === undefined ? undefined : { ...upload, sent, sending };
}

function parse(line: string): UploadLine | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return isLine(value) ? value : undefined;
  } catch {
    // Torn by a crash, or the empty line before a new one.
    return undefined;
  }
}

function isLine(value: unknown): value is UploadLine {
  if (typeof value !== 'object' || value === null) return false;
  const { begun, sending, sent } = value as Partial<Record<'begun' | 'sending' | 'sent', unknown>>;
  if (begun !== undefined) return hasTypes(begun, { key: 'string', id: 'string', partBytes: 'number', at: 'string' });
  if (sent !== undefined) return hasTypes(sent, { number: 'number', bytes: 'number', tag: 'string', sha256: 'string' });
  return typeof sending === 'number';
}

function hasTypes(value: unknown, types: Readonly<Record<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return Object.entries(types).every(([name, type]) => typeof fields[name] === type);
}
