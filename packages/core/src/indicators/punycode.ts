/** Punycode (RFC 3492), the encoding half: how a label with other letters than ASCII's stands in the DNS. */

const BASE = 36;
const TMIN = 1;
const TMAX = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_N = 128;
/** A label of the DNS has 63 bytes, so a longer one has no encoding that counts. */
const MAX_LABEL = 63;

/** `bücher` → `xn--bcher-kva`; labels of ASCII alone stay as they are. Undefined when it cannot be a label. */
export function toAsciiLabel(label: string): string | undefined {
  if (/^[\0-\x7f]*$/.test(label)) return label;
  const points = Array.from(label, (char) => char.codePointAt(0) as number);
  if (points.length > MAX_LABEL) return undefined;
  let out = points
    .filter((point) => point < INITIAL_N)
    .map((point) => String.fromCharCode(point))
    .join("");
  const basic = out.length;
  let handled = basic;
  if (basic > 0) out += "-";
  let n = INITIAL_N;
  let delta = 0;
  let bias = INITIAL_BIAS;
  while (handled < points.length) {
    const next = Math.min(...points.filter((point) => point >= n));
    delta += (next - n) * (handled + 1);
    n = next;
    for (const point of points) {
      if (point < n) delta++;
      if (point !== n) continue;
      let q = delta;
      for (let k = BASE; ; k += BASE) {
        const t = Math.min(Math.max(k - bias, TMIN), TMAX);
        if (q < t) break;
        out += digit(t + ((q - t) % (BASE - t)));
        q = Math.floor((q - t) / (BASE - t));
      }
      out += digit(q);
      bias = adapt(delta, handled + 1, handled === basic);
      delta = 0;
      handled++;
    }
    delta++;
    n++;
  }
  return `xn--${out}`;
}

function digit(value: number): string {
  return String.fromCharCode(value < 26 ? 0x61 + value : 0x30 + value - 26);
}

function adapt(delta: number, points: number, first: boolean): number {
  let rest = first ? Math.floor(delta / DAMP) : delta >> 1;
  rest += Math.floor(rest / points);
  let k = 0;
  for (; rest > ((BASE - TMIN) * TMAX) >> 1; k += BASE) rest = Math.floor(rest / (BASE - TMIN));
  return k + Math.floor(((BASE - TMIN + 1) * rest) / (rest + SKEW));
}
