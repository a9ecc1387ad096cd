/**
 * Blobs in a store that speaks S3: `s3://bucket/prefix`, each as `<prefix>/ab/cd/<sha256>.cart`.
 *
 * Credentials come from where every AWS program has them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the
 * machine's role); ASSAY_S3_ENDPOINT, ASSAY_S3_REGION and ASSAY_S3_PATH_STYLE name another store than Amazon's.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import { type BlobRead, type BlobStore, MAX_BLOB_BYTES, seal, unseal } from "./blobs.ts";
import { CorpusError } from "./errors.ts";

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_REGION = "us-east-1";

/** Undefined for what is no `s3://bucket[/prefix]`. */
export function parseS3Place(text: string, env: Environment): S3Place | undefined {
  const [, bucket, rest = ""] = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,253})((?:\/[\w.!*'()-]*)*)$/.exec(text) ?? [];
  if (bucket === undefined || rest.split("/").some((part) => part === "." || part === "..")) return undefined;
  const endpoint = env.ASSAY_S3_ENDPOINT || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  const region = env.ASSAY_S3_REGION || env.AWS_REGION || env.AWS_DEFAULT_REGION || DEFAULT_REGION;
  const pathStyle = env.ASSAY_S3_PATH_STYLE;
  return {
    bucket,
    prefix: rest.split("/").filter(Boolean).join("/"),
    ...(endpoint ? { endpoint } : {}),
    region,
    // Stores of one's own seldom have a name for each bucket.
    pathStyle:
      pathStyle === undefined || pathStyle === "" ? Boolean(endpoint) : /^(?:1|true|yes)$/i.test(pathStyle),
  };
}

/** Larger blobs go up in parts, each with its own retries. */
const PART_BYTES = 16 * 1024 ** 2;
/** Tries of one request, with growing pauses between. */
const ATTEMPTS = 5;
/** A connection that is not there after this long, or that is silent for so long, is given up and tried again (ms). */
const CONNECT_MS = 10_000;
const SILENT_MS = 60_000;
/** A CaRT is its content compressed, and never much larger. */
const MAX_SEALED_BYTES = MAX_BLOB_BYTES + PART_BYTES;

/** The client is loaded when a corpus asks for it. */
export async function openS3(place: S3Place): Promise<BlobStore> {
  // Which version of Node there is, is not for every command to say.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    region: place.region,
    forcePathStyle: place.pathStyle,
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: SILENT_MS },
    // What older stores do not know; every read is held against the SHA-256 anyway.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return new S3Blobs(sdk, client, place);
}

type Sdk = typeof import("@aws-sdk/client-s3");

class S3Blobs implements BlobStore {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #place: S3Place;

  constructor(sdk: Sdk, client: S3Client, place: S3Place) {
    this.#sdk = sdk;
    this.#client = client;
    this.#place = place;
  }

  close(): void {
    this.#client.destroy();
  }

  #at(sha256: string) {
    const { bucket, prefix } = this.#place;
    const key = `${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}.cart`;
    return { Bucket: bucket, Key: prefix === "" ? key : `${prefix}/${key}` };
  }

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    const sealed = seal(bytes);
    const at = this.#at(sha256);
    if (sealed.length <= PART_BYTES)
      await this.#told(() =>
        this.#client.send(
          new this.#sdk.PutObjectCommand({ ...at, Body: sealed, ContentType: "application/octet-stream" }),
        ),
      );
    else await this.#putInParts(at, sealed);
  }

  /** The object is there whole when the last request is answered, and not at all before. */
  async #putInParts(
    at: { readonly Bucket: string; readonly Key: string },
    sealed: Uint8Array,
  ): Promise<void> {
    const { CreateMultipartUploadCommand, UploadPartCommand } = this.#sdk;
    const { CompleteMultipartUploadCommand, AbortMultipartUploadCommand } = this.#sdk;
    const { UploadId } = await this.#told(() =>
      this.#client.send(new CreateMultipartUploadCommand({ ...at, ContentType: "application/octet-stream" })),
    );
    try {
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (let from = 0; from < sealed.length; from += PART_BYTES) {
        const PartNumber = Parts.length + 1;
        const Body = sealed.subarray(from, from + PART_BYTES);
        const { ETag } = await this.#told(() =>
          this.#client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body })),
        );
        Parts.push({ PartNumber, ETag });
      }
      await this.#told(() =>
        this.#client.send(
          new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
        ),
      );
    } catch (error) {
      // Parts that nobody completes would be kept, and paid for.
      await this.#client.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined);
      throw error;
    }
  }

  async get(sha256: string): Promise<BlobRead> {
    for (let attempt = 1; ; attempt++) {
      const read = await this.#read(sha256);
      // A body that broke off is no request that failed: the client does not try it again.
      if (read.status !== "broken" || attempt >= ATTEMPTS)
        return read.status === "broken" ? { status: "corrupt", text: read.text } : read;
    }
  }

  async #read(sha256: string): Promise<BlobRead | { readonly status: "broken"; readonly text: string }> {
    const answer = await this.#told(() =>
      this.#client.send(new this.#sdk.GetObjectCommand(this.#at(sha256))).catch(absent),
    );
    if (answer === undefined) return { status: "missing" };
    const stream = answer.Body as AsyncIterable<Uint8Array> | undefined;
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of stream ?? []) {
        length += chunk.length;
        // Leaving the loop ends the connection.
        if (length > MAX_SEALED_BYTES) return { status: "corrupt", text: "larger than any blob" };
        chunks.push(chunk);
      }
    } catch (error) {
      return { status: "broken", text: `its bytes broke off: ${wordsOf(error)}` };
    }
    if (answer.ContentLength !== undefined && answer.ContentLength !== length)
      return { status: "broken", text: `${length} of ${answer.ContentLength} bytes came` };
    return unseal(Buffer.concat(chunks, length), sha256);
  }

  async has(sha256: string): Promise<boolean> {
    const answer = await this.#told(() =>
      this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(sha256))).catch(absent),
    );
    return answer !== undefined;
  }

  async remove(sha256: string): Promise<void> {
    await this.#told(() => this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(sha256))));
  }

  async *list(): AsyncGenerator<string> {
    const { bucket, prefix } = this.#place;
    const Prefix = prefix === "" ? "" : `${prefix}/`;
    for (let ContinuationToken: string | undefined; ; ) {
      const token = ContinuationToken;
      const page = await this.#told(() =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key = "" } of page.Contents ?? []) {
        const [, high, low, sha256] =
          /^([0-9a-f]{2})\/([0-9a-f]{2})\/([0-9a-f]{64})\.cart$/.exec(Key.slice(Prefix.length)) ?? [];
        if (sha256?.startsWith(`${high}${low}`)) yield sha256;
      }
      if (page.IsTruncated !== true || page.NextContinuationToken === undefined) return;
      ContinuationToken = page.NextContinuationToken;
    }
  }

  /** A store that cannot be reached, or refuses, is said in words; no blob is called damaged for it. */
  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new CorpusError(`the blob store s3://${this.#place.bucket} cannot be used: ${wordsOf(error)}`);
    }
  }
}

/** Undefined for an object that is not there. A bucket that is not there is another matter. */
function absent(error: unknown): undefined {
  const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: number } };
  if (name === "NoSuchKey" || (name === "NotFound" && $metadata?.httpStatusCode === 404)) return undefined;
  throw error;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  const code = (error as { code?: unknown }).code;
  const what = typeof code === "string" ? code : name;
  return message === "" || message === what ? what : `${message} (${what})`;
}
