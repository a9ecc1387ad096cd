import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
    // What is awaited comes late on a busy machine; a test's own time is the end of it.
    expect: { poll: { timeout: 60_000 } },
    // Real servers, browsers and killed processes on a busy machine: a failure counts when it comes thrice.
    retry: 2,
  },
});
