/** XOR in the kinds that malware uses. */

/** out[i] = data[i] ^ key[(start + i) mod key.length]. An empty key is an error of the caller. */
export function xor(data: Uint8Array, key: Uint8Array, start = 0): Uint8Array {
  if (key.length === 0) throw new RangeError("XOR key is empty");
  if (!Number.isSafeInteger(start) || start < 0) throw new RangeError(`XOR key starts at ${start}`);
  const out = new Uint8Array(data.length);
  for (let i = 0, k = start % key.length; i < data.length; i++) {
    out[i] = (data[i] as number) ^ (key[k] as number);
    if (++k === key.length) k = 0;
  }
  return out;
}

/** out[i] = data[i] ^ key: one byte for all. */
export function xorByte(data: Uint8Array, key: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = (data[i] as number) ^ key;
  return out;
}

/** Decrypts a chain: out[i] = data[i] ^ data[i - 1], the first byte against `seed`. */
export function xorRolling(data: Uint8Array, seed: number): Uint8Array {
  const out = new Uint8Array(data.length);
  let previous = seed;
  for (let i = 0; i < data.length; i++) {
    const byte = data[i] as number;
    out[i] = byte ^ previous;
    previous = byte;
  }
  return out;
}

/** out[i] = data[i] ^ (key + i * step) mod 256: the key grows with each byte. */
export function xorIncrementing(data: Uint8Array, key: number, step = 1): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0, k = key; i < data.length; i++, k = (k + step) & 0xff) out[i] = (data[i] as number) ^ k;
  return out;
}

/**
 * out[i] = (data[i] ^ key[i mod key.length]) - data[i + 1], over all but the last byte: the loop that .NET loaders
 * run over the bytes of a picture.
 */
export function xorMinusNext(data: Uint8Array, key: Uint8Array): Uint8Array {
  if (key.length === 0) throw new RangeError("XOR key is empty");
  const out = new Uint8Array(Math.max(0, data.length - 1));
  for (let i = 0, k = 0; i < out.length; i++) {
    out[i] = ((data[i] as number) ^ (key[k] as number)) - (data[i + 1] as number);
    if (++k === key.length) k = 0;
  }
  return out;
}

/**
 * out[i] = data[i] ^ key[i mod key.length] ^ 112 ^ last byte, over all but the last: the "Proper XOR" of Visual Basic
 * loaders, whose encoder appends the random byte.
 */
export function xorWithLast(data: Uint8Array, key: Uint8Array): Uint8Array {
  const last = data[data.length - 1] ?? 0;
  return xorByte(xor(data.subarray(0, Math.max(0, data.length - 1)), key), 112 ^ last);
}
