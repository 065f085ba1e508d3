/** What the fake of `checksum-fake.ts` keeps, and the rules of the documents by which it takes it. */
import { createHash, randomUUID } from 'node:crypto';

export interface FakeOptions {
  /** R2: all parts but the last must have one size. Default false. */
  readonly equalParts?: boolean;
  /** Least size of every part but the last. Default 5 MiB, as everywhere. */
  readonly minPartBytes?: number;
  /** False for a store that keeps no checksums: headers are compared and forgotten. Default true. */
  readonly keepsChecksums?: boolean;
  /** What becomes of the bytes of an object on their way to the disk. */
  readonly damage?: (id: string, bytes: Buffer) => Buffer;
  /** `rest`: the store's checksum is that of the bytes that came. `receipt`: that of the damaged ones. Default `rest`. */
  readonly damageAt?: 'rest' | 'receipt';
}

export interface FakeObject {
  readonly bytes: Buffer;
  readonly etag: string;
  /** Base64 of the SHA-256; of a multipart upload that of its parts' SHA-256s, with `-` and their number. */
  readonly checksum: string | undefined;
  readonly modifiedAt: Date;
}

export interface FakeUpload {
  readonly id: string;
  readonly uploadId: string;
  readonly hasChecksums: boolean;
  readonly begunAt: Date;
  readonly parts: Map<number, FakeObject>;
}

export class StoreRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class FakeStore {
  readonly objects = new Map<string, FakeObject>();
  readonly uploads = new Map<string, FakeUpload>();

  constructor(private readonly options: FakeOptions) {}

  get(id: string): FakeObject {
    const object = this.objects.get(id);
    if (object === undefined) throw new StoreRefusal(404, 'NoSuchKey', 'The specified key does not exist.');
    return object;
  }

  put(id: string, bytes: Buffer, createOnly: boolean): FakeObject {
    this.refuseTaken(id, createOnly);
    const object = this.keep(id, bytes);
    this.objects.set(id, object);
    return object;
  }

  begin(id: string, hasChecksums: boolean): string {
    const uploadId = randomUUID();
    this.uploads.set(uploadId, { id, uploadId, hasChecksums, begunAt: new Date(), parts: new Map() });
    return uploadId;
  }

  upload(uploadId: string): FakeUpload {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) throw new StoreRefusal(404, 'NoSuchUpload', 'The specified upload does not exist.');
    return upload;
  }

  send(uploadId: string, number: number, bytes: Buffer, hasChecksum: boolean): FakeObject {
    const upload = this.upload(uploadId);
    if (number < 1 || number > 10_000) throw new StoreRefusal(400, 'InvalidArgument', 'Part number must be 1 to 10000');
    if (hasChecksum && !upload.hasChecksums) {
      throw new StoreRefusal(400, 'InvalidRequest', 'Checksum Type mismatch occurred, expected checksum Type: null');
    }
    const kept = this.keep(upload.id, bytes);
    const part = upload.hasChecksums ? kept : { ...kept, checksum: undefined };
    upload.parts.set(number, part);
    return part;
  }

  abort(uploadId: string): void {
    this.upload(uploadId);
    this.uploads.delete(uploadId);
  }

  complete(id: string, uploadId: string, body: string, createOnly: boolean): FakeObject {
    const upload = this.upload(uploadId);
    const parts = namedParts(upload, body);
    this.refuseTaken(id, createOnly);
    this.refuseSizes(parts);
    const etags = parts.map(({ etag }) => Buffer.from(etag.slice(1, -1), 'hex'));
    const sums = parts.map(({ checksum }) => Buffer.from(checksum ?? '', 'base64'));
    const composite = `${digest('sha256', Buffer.concat(sums)).toString('base64')}-${parts.length}`;
    const object: FakeObject = {
      bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
      etag: `"${digest('md5', Buffer.concat(etags)).toString('hex')}-${parts.length}"`,
      checksum: upload.hasChecksums && this.options.keepsChecksums !== false ? composite : undefined,
      modifiedAt: new Date(),
    };
    this.objects.set(id, object);
    this.uploads.delete(uploadId);
    return object;
  }

  private keep(id: string, bytes: Buffer): FakeObject {
    const { damage, damageAt = 'rest', keepsChecksums = true } = this.options;
    const damaged = damage === undefined ? bytes : damage(id, bytes);
    const summed = damageAt === 'receipt' ? damaged : bytes;
    return {
      bytes: damaged,
      etag: `"${digest('md5', summed).toString('hex')}"`,
      checksum: keepsChecksums ? digest('sha256', summed).toString('base64') : undefined,
      modifiedAt: new Date(),
    };
  }

  private refuseTaken(id: string, createOnly: boolean): void {
    if (createOnly && this.objects.has(id)) {
      throw new StoreRefusal(
        412,
        'PreconditionFailed',
        'At least one of the pre-conditions you specified did not hold',
      );
    }
  }

  private refuseSizes(parts: readonly FakeObject[]): void {
    const { minPartBytes = 5 * 1024 * 1024, equalParts = false } = this.options;
    const sizes = parts.map(({ bytes }) => bytes.length);
    const [first = 0, ...rest] = sizes;
    const last = sizes.at(-1) ?? 0;
    if (sizes.slice(0, -1).some((size) => size < minPartBytes)) {
      throw new StoreRefusal(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    }
    if (equalParts && (rest.slice(0, -1).some((size) => size !== first) || last > first)) {
      throw new StoreRefusal(400, 'InvalidPart', 'All non-trailing parts must have the same length.');
    }
  }
}

/** The parts that the request names: there, in order, and with the tags and checksums they were stored with. */
function namedParts(upload: FakeUpload, body: string): readonly FakeObject[] {
  const named = [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(field(part, 'PartNumber')),
    etag: field(part, 'ETag')?.replaceAll('&quot;', '"').replaceAll('"', ''),
    checksum: field(part, 'ChecksumSHA256'),
  }));
  if (named.length === 0) throw new StoreRefusal(400, 'MalformedXML', 'You must specify at least one part');
  return named.map(({ number, etag, checksum }, index) => {
    if (index > 0 && number <= (named[index - 1]?.number ?? 0)) {
      throw new StoreRefusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    if (upload.hasChecksums && checksum === undefined) {
      const text = `The complete request must include the checksum for each part. It was missing for part ${number}.`;
      throw new StoreRefusal(400, 'InvalidRequest', `The upload was created using a sha256 checksum. ${text}`);
    }
    const part = upload.parts.get(number);
    if (part?.etag !== `"${etag}"` || (part.checksum !== undefined && part.checksum !== checksum)) {
      throw new StoreRefusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.');
    }
    return part;
  });
}

function field(text: string, name: string): string | undefined {
  return new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1];
}

function digest(algorithm: 'md5' | 'sha256', bytes: Buffer): Buffer {
  return createHash(algorithm).update(bytes).digest();
}
