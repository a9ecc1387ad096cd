export * from "./address.ts";
export * from "./defang.ts";
export * from "./indicators-of.ts";
export * from "./near-duplicates.ts";
export * from "./normalise.ts";
export * from "./policy.ts";
export * from "./targets.ts";
