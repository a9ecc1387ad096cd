/** IP addresses as text and as bytes: strict in, canonical out. */

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
/** Longest text form: eight groups, the last two as dotted decimal. */
const MAX_IPV6 = 45;

/**
 * The four octets of dotted decimal. Undefined for anything else: leading zeros (which some read as octal), fewer
 * parts, hexadecimal, numbers above 255.
 */
export function parseIpv4(text: string): Uint8Array | undefined {
  const octets = IPV4.exec(text)?.slice(1).map(Number);
  return octets?.every((octet) => octet < 256) ? Uint8Array.from(octets) : undefined;
}

/** The sixteen bytes of an IPv6 address (RFC 4291, 2.2), in brackets or not; no zone. */
export function parseIpv6(text: string): Uint8Array | undefined {
  let rest = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (rest.length > MAX_IPV6 || !/^[0-9a-fA-F:.]+$/.test(rest)) return undefined;
  const dotted = /(?<=:)[\d.]+\.[\d.]+$/.exec(rest);
  if (dotted !== null) {
    const octets = parseIpv4(dotted[0]);
    if (octets === undefined) return undefined;
    const [a, b, c, d] = octets as unknown as [number, number, number, number];
    rest = `${rest.slice(0, dotted.index)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = rest.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":"))) as [string[], string[]?];
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return undefined;
  const groups = [...head, ...new Array<string>(8 - count).fill("0"), ...(tail ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}

/** The canonical text of RFC 5952; IPv4-mapped addresses with their last 32 bits in dotted decimal (its section 5). */
export function formatIpv6(bytes: Uint8Array): string {
  const mapped = mappedIpv4(bytes);
  if (mapped !== undefined) return `::ffff:${mapped.join(".")}`;
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number),
  );
  // The longest run of two or more zero groups, the first of equals, becomes `::`.
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  const text = groups.map((group) => group.toString(16));
  if (length < 2) return text.join(":");
  return `${text.slice(0, start).join(":")}::${text.slice(start + length).join(":")}`;
}

/** The IPv4 address of ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
export function mappedIpv4(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return undefined;
  return bytes.subarray(0, 10).every((byte) => byte === 0) ? bytes.subarray(12) : undefined;
}

/** A range of addresses: the first `bits` bits of `bytes`. */
export interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Reads `10.0.0.0/8` or `fc00::/7`. Throws RangeError on any other text: ranges are source code, not input. */
export function range(text: string): Range {
  const [address = "", prefix] = text.split("/");
  const bytes = parseIpv4(address) ?? parseIpv6(address);
  const bits = Number(prefix ?? (bytes?.length ?? 0) * 8);
  if (bytes === undefined || !Number.isInteger(bits) || bits < 0 || bits > bytes.length * 8)
    throw new RangeError(`"${text}" is no address range`);
  return { bytes, bits };
}

export function inRange(address: Uint8Array, { bytes, bits }: Range): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return mask === 0 || (((address[whole] as number) ^ (bytes[whole] as number)) & mask) === 0;
}
