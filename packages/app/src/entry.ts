/** What the bundle offers its launchers in bin/; each part is evaluated when it is asked for. */

/** The `assay` command. */
export const cli = async (): Promise<void> => (await import("./cli/main.ts")).main();

/** An analysis process of the pool. */
export const worker = async (): Promise<void> => (await import("./pool/worker.ts")).serve();

/** What the build runs once, so that the code cache holds the functions that every analysis needs. */
export const warm = async (): Promise<typeof import("./warm.ts")> => import("./warm.ts");
