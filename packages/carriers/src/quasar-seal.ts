/** Encrypting settings as Quasar's builders do. */
import { createCipheriv, createHash, createHmac, pbkdf2Sync } from "node:crypto";

/** Salt of Quasar 1.3 and 1.4. */
export const QUASAR_SALT = Uint8Array.from(
  Buffer.from("bfeb1e56fbcd973bb219022430a57843003d5644d21e62b9d4f180e7e6c33941", "hex"),
);

export interface SealOptions {
  readonly scheme: "md5" | "hmac";
  readonly password: string;
  readonly salt?: Uint8Array;
  readonly iterations?: number;
  readonly keySize?: 16 | 24 | 32;
  readonly mode?: "cbc" | "cfb8" | "cfb" | "ecb";
}

/** A function from text to what the client holds; each call takes another IV, the same ones in every run. */
export function sealer(options: SealOptions): (text: string) => string {
  const { scheme, password, salt = QUASAR_SALT, iterations = 50_000, mode = "cbc" } = options;
  const size = scheme === "md5" ? 16 : (options.keySize ?? 32);
  const stream = scheme === "md5" ? undefined : derive(password, salt, iterations, size + 64);
  const key = stream?.subarray(0, size) ?? createHash("md5").update(password, "utf8").digest();
  let count = 0;
  return (text) => {
    const iv = createHash("md5").update(`${password}/${count++}`).digest();
    const cipher = createCipheriv(`aes-${size * 8}-${mode}`, key, mode === "ecb" ? null : iv);
    cipher.setAutoPadding(mode === "cbc" || mode === "ecb");
    const body = Buffer.concat([iv, cipher.update(padded(text, mode)), cipher.final()]);
    if (stream === undefined) return body.toString("base64");
    const mac = createHmac("sha256", stream.subarray(size)).update(body).digest();
    return Buffer.concat([mac, body]).toString("base64");
  };
}

const derived = new Map<string, Buffer>();

/** PBKDF2-HMAC-SHA1, each result kept: programs that share a certificate share the key. */
function derive(password: string, salt: Uint8Array, iterations: number, length: number): Buffer {
  const name = [password, Buffer.from(salt).toString("hex"), iterations, length].join("/");
  const stream = derived.get(name) ?? pbkdf2Sync(password, salt, iterations, length, "sha1");
  derived.set(name, stream);
  return stream;
}

/** .NET pads CFB too: to a whole segment, which is one byte with CFB8. */
function padded(text: string, mode: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  if (mode === "cbc" || mode === "ecb") return bytes;
  const pad = mode === "cfb8" ? 1 : 16 - (bytes.length % 16);
  return Buffer.concat([bytes, Buffer.alloc(pad, pad)]);
}

/** KEY and AUTHKEY of a 1.3 client: the operator's password under the same derivation. */
export function sessionKeys(password: string): { readonly key: string; readonly authKey: string } {
  const stream = derive(password, QUASAR_SALT, 50_000, 80);
  return {
    key: stream.subarray(0, 16).toString("base64"),
    authKey: stream.subarray(16).toString("base64"),
  };
}
