/**
 * The second layer of a check: the tar in the frames. After a damaged frame, or a header that cannot be read, it goes
 * on at the next header of this bag. What an entry means is for the receiver.
 */
import { isLakepackError } from '../base/errors.js';
import { finding, type Finding, type FindingPlace } from '../base/findings.js';
import { TarReader, type TarEntry, type TarEvent } from '../codec/tar-reader.js';
import { paddingBytes } from '../codec/tar.js';
import type { PassedFrame } from './check-frames.js';

/** Gets the body of one entry. */
export interface EntryReceiver {
  data(bytes: Buffer): Promise<void> | void;
  /** @param complete false when a part of the body was lost. */
  end(complete: boolean): Promise<void> | void;
}

export interface TarAuditOptions {
  readonly subject: string;
  /** Name of the bag, where it is known. Default: the folder of the first entry. */
  readonly bag: string | undefined;
  readonly where: FindingPlace;
  readonly report: (finding: Finding) => void;
  readonly open: (entry: TarEntry) => Promise<EntryReceiver> | EntryReceiver;
}

const BLOCK_BYTES = 512;

export class TarAudit {
  readonly #options: TarAuditOptions;
  #reader: TarReader;
  #receiver: EntryReceiver | undefined;
  /** Where the entry that is being read, padding included, ends in the tar. */
  #entryEnd = 0;
  /** Bytes of the body that is being read and has not come yet. */
  #bodyLeft = 0;
  /** After a loss: where the next header may stand. */
  #resumeAt = 0;
  #bag: string;
  #damaged = false;

  constructor(options: TarAuditOptions) {
    this.#options = options;
    this.#bag = options.bag === undefined ? '' : `${options.bag}/`;
    this.#reader = new TarReader({ subject: options.subject, strictPadding: true });
  }

  /** True when a part of the tar could not be read. */
  get damaged(): boolean {
    return this.#damaged;
  }

  async push(frame: PassedFrame): Promise<void> {
    if (frame.content === undefined) {
      await this.#lose(frame.place.tarOffset + frame.place.tarBytes);
      return;
    }
    // What is left of the body of an entry that was given up is nothing to look for headers in.
    let from = Math.max(0, this.#resumeAt - frame.place.tarOffset);
    while (from < frame.content.length) from = await this.#read(frame.content, from, frame.place.tarOffset);
  }

  /** Reads on from a place in the content of a frame; returns the place where reading can go on. */
  async #read(content: Buffer, from: number, tarOffset: number): Promise<number> {
    try {
      for (const event of this.#reader.push(content.subarray(from))) await this.#take(event);
      return content.length;
    } catch (error) {
      if (!isLakepackError(error, 'TAR_INVALID') && !isLakepackError(error, 'LIMIT_EXCEEDED')) throw error;
      const at = Math.max(this.#entryEnd, tarOffset + from);
      this.#report(error.message, at);
      // Inside an entry only its padding can be wrong, and the next header follows; else this header is, and is stepped over.
      await this.#lose(this.#receiver === undefined ? at + BLOCK_BYTES : at);
      return Math.min(this.#resumeAt - tarOffset, content.length);
    }
  }

  async #take(event: TarEvent): Promise<void> {
    if (event.type === 'data') {
      this.#bodyLeft -= event.bytes.length;
      await this.#receiver?.data(event.bytes);
      return;
    }
    if (event.type === 'entry-end') {
      await this.#endEntry(true);
      return;
    }
    const { entry } = event;
    this.#entryEnd = entry.dataOffset + entry.bytes + paddingBytes(entry.bytes);
    this.#bodyLeft = entry.bytes;
    if (this.#bag === '') this.#bag = `${entry.name.split('/', 1)[0] ?? ''}/`;
    this.#receiver = await this.#options.open(entry);
  }

  async #endEntry(complete: boolean): Promise<void> {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    await receiver?.end(complete);
  }

  /** Gives up the entry that is open and looks for the next header from `lostEnd`, and behind that entry. */
  async #lose(lostEnd: number): Promise<void> {
    this.#damaged = true;
    this.#resumeAt = Math.max(lostEnd, this.#entryEnd);
    await this.#endEntry(this.#bodyLeft === 0);
    const tarOffset = this.#resumeAt;
    const { subject } = this.#options;
    this.#reader = new TarReader({ subject, strictPadding: true, resume: { tarOffset, namePrefix: this.#bag } });
  }

  /** Says that there are no more frames. */
  async end(): Promise<void> {
    try {
      this.#reader.end();
    } catch (error) {
      if (!isLakepackError(error, 'TAR_INVALID')) throw error;
      this.#damaged = true;
      this.#report(error.message, this.#entryEnd);
    }
    await this.#endEntry(this.#bodyLeft === 0);
  }

  #report(message: string, tarOffset: number): void {
    const { where, report } = this.#options;
    const repair = 'take this bundle from another copy of the archive';
    report(finding('TAR_INVALID', message, { ...where, tarOffset }, { repair }));
  }
}
