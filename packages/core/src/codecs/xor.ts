/** XOR in the kinds that malware uses. */

/** out[i] = data[i] ^ key[i mod key.length]. An empty key is an error of the caller. */
export function xor(data: Uint8Array, key: Uint8Array): Uint8Array {
  if (key.length === 0) throw new RangeError("XOR key is empty");
  const out = new Uint8Array(data.length);
  for (let i = 0, k = 0; i < data.length; i++) {
    out[i] = (data[i] as number) ^ (key[k] as number);
    if (++k === key.length) k = 0;
  }
  return out;
}
