/** Files of a drop, folders walked through, and how they are shared out over requests. */

/** Files of one drop; more are refused by name, not silently left out. */
export const MAX_DROPPED = 100_000;

export interface Picked {
  readonly file: File;
  /** With its folders. */
  readonly path: string;
}

/** All files of a drop. Must be called within the event: the list is empty after it. */
export function pickedFrom(transfer: DataTransfer): Promise<Picked[]> {
  const entries: FileSystemEntry[] = [];
  const files: Picked[] = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) entries.push(entry);
    else if (file !== null) files.push({ file, path: file.name });
  }
  return walk(entries, files);
}

async function walk(entries: FileSystemEntry[], files: Picked[]): Promise<Picked[]> {
  for (let entry = entries.shift(); entry !== undefined; entry = entries.shift()) {
    if (files.length >= MAX_DROPPED) break;
    if (isFile(entry)) {
      const path = entry.fullPath.replace(/^\//, "");
      const file = await fileOf(entry);
      if (file !== undefined) files.push({ file, path });
    } else if (isFolder(entry)) entries.push(...(await listFolder(entry)));
  }
  return files;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Undefined for what cannot be read. */
function fileOf(entry: FileSystemFileEntry): Promise<File | undefined> {
  return new Promise((resolve) => entry.file(resolve, () => resolve(undefined)));
}

/** The browser gives a hundred at a time. */
async function listFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    if (part.length === 0) return all;
    all.push(...part);
  }
}

export interface Limits {
  readonly files: number;
  readonly requestBytes: number;
  readonly fileBytes: number;
}

export interface Shared<T> {
  readonly requests: readonly (readonly T[])[];
  /** Larger than the server takes. */
  readonly tooLarge: readonly T[];
}

/** Room for the form around the files of a request. */
const FORM_BYTES = 1024 ** 2;

/** Files in their order, as many to a request as the server takes at once. */
export function shareOut<T extends { readonly size: number }>(
  files: readonly T[],
  limits: Limits,
): Shared<T> {
  const requests: T[][] = [];
  const tooLarge: T[] = [];
  const room = limits.requestBytes - FORM_BYTES;
  let request: T[] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.size > Math.min(limits.fileBytes, room)) {
      tooLarge.push(file);
      continue;
    }
    if (request.length >= limits.files || bytes + file.size > room) {
      requests.push(request);
      request = [];
      bytes = 0;
    }
    request.push(file);
    bytes += file.size;
  }
  if (request.length > 0) requests.push(request);
  return { requests, tooLarge };
}

/** One password a line; blanks within a line belong to it. */
export function passwordsOf(text: string): string[] {
  return [...new Set(text.split(/\r?\n/).filter((line) => line !== ""))];
}

/** Random, also where pages come over plain HTTP and `crypto.randomUUID` is not there. */
export function newBatchId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
