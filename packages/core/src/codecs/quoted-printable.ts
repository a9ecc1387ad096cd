/** Quoted-printable (RFC 2045, 6.7), read as mail programs do: what is no escape stays as it is. */
export function decodeQuotedPrintable(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i] as number;
    if (byte !== EQUALS) {
      out[length++] = byte;
      continue;
    }
    // A soft line break: white space may have been added before it.
    let end = i + 1;
    while (text[end] === 0x20 || text[end] === 0x09) end++;
    if (text[end] === 0x0d && text[end + 1] === 0x0a) {
      i = end + 1;
      continue;
    }
    if (text[end] === 0x0a || end >= text.length) {
      i = end;
      continue;
    }
    const high = digit(text[i + 1]);
    const low = digit(text[i + 2]);
    if (high < 0 || low < 0) out[length++] = byte;
    else {
      out[length++] = (high << 4) | low;
      i += 2;
    }
  }
  return out.subarray(0, length);
}

const EQUALS = 0x3d;

function digit(char: number | undefined): number {
  if (char === undefined) return -1;
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
