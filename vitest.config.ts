import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
    // Real servers, browsers and killed processes on a busy machine: a failure counts when it comes thrice.
    retry: 2,
  },
});
