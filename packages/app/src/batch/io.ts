/** File-system calls whose errors are values. */

export interface IoFailure {
  readonly code: string;
  readonly text: string;
}

/** Runs a file-system call; its errors (they carry an errno code) become values. */
export function attemptIo<T>(call: () => T): { readonly value: T } | IoFailure {
  try {
    return { value: call() };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return { code: "unreadable", text: `${WORDS[code] ?? "cannot be read"} (${code})` };
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no such file or folder",
  ELOOP: "links that lead in a circle",
  ENAMETOOLONG: "the name is too long",
  EIO: "the disk could not read it",
};
