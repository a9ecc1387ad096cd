/** A server that speaks S3, in this process, on a socket: s3rver over a folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestS3 {
  readonly endpoint: string;
  /** `s3://bucket/…`, another each time. */
  place(): string;
  stop(): Promise<void>;
}

interface Server {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}
type ServerClass = new (options: {
  readonly address: string;
  readonly port: number;
  readonly silent: boolean;
  readonly directory: string;
  readonly configureBuckets: readonly { readonly name: string }[];
}) => Server;

const BUCKET = "assay-test";
/** The account that s3rver knows. */
const KEY = "S3RVER";

/** Also says in this process' environment where it is, as a user would. */
export async function startS3(): Promise<TestS3> {
  // It has no types of its own.
  const S3rver = createRequire(import.meta.url)("s3rver") as ServerClass;
  const directory = mkdtempSync(join(tmpdir(), "assay-s3-"));
  const server = new S3rver({
    ...{ address: "127.0.0.1", port: 0, silent: true, directory },
    configureBuckets: [{ name: BUCKET }],
  });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  Object.assign(process.env, {
    ...{ ASSAY_S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: KEY },
    ...{ AWS_EC2_METADATA_DISABLED: "true", AWS_REGION: "us-east-1" },
  });
  let count = 0;
  return {
    endpoint,
    place: () => `s3://${BUCKET}/corpus-${++count}`,
    stop: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
