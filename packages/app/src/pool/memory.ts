/** Bytes of data one analysis process may hold: a sample, what is unpacked from it, and room to work. */
export const DEFAULT_MEMORY = 2.5 * 1024 ** 3;
