/** Bundles the command and its worker into packages/app/dist. Run by `npm ci` through the prepare script. */
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const app = fileURLToPath(new URL("../packages/app/", import.meta.url));

rmSync(`${app}dist`, { recursive: true, force: true });
await build({
  entryPoints: { assay: `${app}src/cli/main.ts`, worker: `${app}src/pool/worker.ts` },
  outdir: `${app}dist`,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  mainFields: ["module", "main"],
  // Native and WebAssembly packages find their binaries beside themselves.
  external: ["7z-wasm", "@litko/yara-x", "@virustotal/yara-x"],
  // CommonJS packages inside the bundle ask for node's modules with require.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  // Half the bytes to parse is some 15 ms of every start; names stay, for readable stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
});
