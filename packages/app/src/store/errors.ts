/** The corpus cannot be used: another process has it, it is of a later version, or its server does not answer. */
export class CorpusError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CorpusError";
  }
}
