/**
 * Bundles the command into packages/app/dist: CommonJS chunks, each with V8's code cache beside it, for
 * packages/app/bin/bundle.cjs to load; and the pages into packages/web/dist. Run by `npm ci` through the prepare script.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { build as buildPages } from "vite";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const dist = `${packages}app/dist/`;
const require = createRequire(import.meta.url);

const common = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "warning",
};

/** Libraries that take some 10 ms to set up their tables and that many samples never need: the launcher loads them late. */
const LATE = { "lib-fflate": "fflate", "lib-aes": "@noble/ciphers/aes.js" };

const late = {
  name: "late",
  setup(builder) {
    builder.onResolve({ filter: /^[^.]/ }, ({ path }) => {
      const [name] = Object.entries(LATE).find(([, library]) => library === path) ?? [];
      return name === undefined ? undefined : { path: `./${name}.cjs`, external: true };
    });
  },
};

/** CommonJS of a chunk. esbuild splits ES modules only, but only CommonJS can be loaded with a code cache. */
async function toCommonJs(text) {
  const own = text
    .replaceAll(
      /\bimport\(("(?:\.\/[\w-]+\.cjs|@electric-sql\/pglite|pg|pg-boss|@aws-sdk\/client-s3)")\)/g,
      "Promise.resolve().then(()=>require($1))",
    )
    // Code that came from a code cache cannot import: the loader does it.
    .replaceAll(/\bimport\(("[@\w][^"]*")\)/g, "require.import($1)");
  const { code } = await transform(own, {
    format: "cjs",
    platform: "node",
    target: common.target,
    define: { "import.meta.url": "__chunkUrl" },
    // Names stay, for readable stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
  });
  return `const __chunkUrl=require("node:url").pathToFileURL(__filename).href;${code}`;
}

const pages = buildPages({ configFile: `${packages}web/vite.config.ts`, logLevel: "warn" });

const { outputFiles } = await build({
  ...common,
  entryPoints: { entry: `${packages}app/src/entry.ts` },
  outdir: dist,
  outExtension: { ".js": ".cjs" },
  format: "esm",
  splitting: true,
  minifySyntax: true,
  write: false,
  plugins: [late],
  // Native and WebAssembly packages find their binaries beside themselves; the server's find their parts so.
  external: [
    ...["7z-wasm", "@electric-sql/pglite", "pg", "pg-boss", "@litko/yara-x", "@virustotal/yara-x"],
    ...["@aws-sdk/client-s3", "fastify", "@fastify/*", "prom-client"],
  ],
});
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await build({
  ...common,
  entryPoints: LATE,
  outdir: dist,
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
});
for (const { path, text } of outputFiles) writeFileSync(join(dist, basename(path)), await toCommonJs(text));

/** The demo's batch stands for what is analysed every day: the functions that it needs are compiled ahead. */
const scratch = mkdtempSync(join(tmpdir(), "assay-build-"));
try {
  const outfile = join(scratch, "demo.cjs");
  await build({ ...common, format: "cjs", entryPoints: [`${packages}carriers/src/demo.ts`], outfile });
  const { demoBatch } = require(outfile);
  const { scripts, warm } = require("../packages/app/bin/bundle.cjs");
  const { warmUp } = await warm();
  await warmUp(demoBatch());
  for (const [file, script] of scripts) writeFileSync(`${file}.cache`, script.createCachedData());
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
await pages;
