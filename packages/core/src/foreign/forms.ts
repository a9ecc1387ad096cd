/** Names of the forms, apart from their readers, which take a while to load. */
export const FOREIGN_FORMS = ["misp", "cape", "triage", "mwdb", "maco", "csv", "text"] as const;
export type ForeignForm = (typeof FOREIGN_FORMS)[number];
