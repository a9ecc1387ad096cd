/** Numbers and times as they are read. */

export function count(n: number): string {
  return n.toLocaleString("en");
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `2026-02-03 14:05`, in the time of the reader. */
export function minute(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function day(iso: string): string {
  return minute(iso).slice(0, 10);
}

/** The first digits of a digest. */
export function short(sha256: string): string {
  return sha256.slice(0, 12);
}

/** How long ago, roughly. */
export function seconds(n: number): string {
  if (n < 90) return `${Math.round(n)} s`;
  if (n < 5400) return `${Math.round(n / 60)} min`;
  if (n < 129_600) return `${Math.round(n / 3600)} h`;
  return `${Math.round(n / 86_400)} d`;
}
