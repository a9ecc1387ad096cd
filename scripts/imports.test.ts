import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** Which rooms a room of core may import from. Its own is always allowed; `npm:` names a package. */
const CORE: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  codecs: ["bytes", "npm:@noble/ciphers", "npm:@noble/hashes", "npm:fflate"],
  formats: ["bytes", "codecs", "npm:fflate"],
  model: ["bytes", "codecs", "formats", "npm:typebox"],
  families: ["bytes", "codecs", "formats", "model", "npm:tldts"],
  layers: ["bytes", "codecs", "formats", "model"],
  indicators: ["bytes", "model", "npm:tldts"],
  relations: ["bytes", "codecs", "model", "indicators"],
  search: ["bytes", "model", "indicators"],
  triage: ["bytes", "codecs", "formats", "model", "families", "layers", "indicators", "relations"],
  export: ["bytes", "codecs", "model", "indicators"],
  foreign: ["bytes", "model", "indicators", "export", "npm:tldts", "npm:typebox"],
};

/** Pages of the analyst: which rooms of theirs, and which of core's, each may import from. `shell` knows them all. */
const VIEWS = ["drop", "batch", "sample", "compare", "graph", "pivot", "corpus", "indicators"];
/** Of another view's parts. */
const VIEW_TIES: Readonly<Record<string, readonly string[]>> = {
  drop: ["batch"],
  compare: ["sample"],
  corpus: ["graph"],
  pivot: ["graph"],
  indicators: ["graph", "pivot"],
};
const WEB_PACKAGES =
  /^(?:@assay\/core\/(?:bytes|codecs|model|indicators|search|export|foreign)\/|react(?:-dom)?(?:\/|$)|@tanstack\/react-virtual$|sigma(?:\/|$)|graphology)/;

/** Which rooms a room of the app may import from; `.` is what lies beside them. None leads back. */
const APP: Readonly<Record<string, readonly string[]>> = {
  batch: ["sandboxes", "pool"],
  pool: [".", "batch", "rules", "sandboxes"],
  store: ["batch"],
  jobs: [".", "batch", "pool", "store"],
  exchange: ["batch", "sandboxes", "store"],
  api: ["batch", "exchange", "jobs", "pool", "store"],
  render: ["jobs", "store"],
};

const packages = fileURLToPath(new URL("../packages/", import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, "utf8")).importedFiles.map((imported) => imported.fileName);
}

describe("imports run one way", () => {
  const core = join(packages, "core/src");
  const files = sources(core);

  it("sees the whole of core", () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(100);
  });

  it("keeps every room of core to its table", () => {
    const breaches = files.flatMap((file) => {
      const room = relative(core, file).split("/")[0] ?? "";
      const allowed = CORE[room];
      return importsOf(file).flatMap((target) => {
        const wanted = target.startsWith(".")
          ? (relative(core, resolve(dirname(file), target)).split("/")[0] ?? "")
          : `npm:${target
              .split("/")
              .slice(0, target.startsWith("@") ? 2 : 1)
              .join("/")}`;
        if (wanted === room || allowed?.includes(wanted)) return [];
        return [`${relative(core, file)} imports ${wanted}`];
      });
    });
    expect(breaches).toEqual([]);
  });

  it("keeps families apart: what two share is an engine", () => {
    const families = join(core, "families");
    const breaches = sources(families).flatMap((file) => {
      const own = relative(families, file).split("/");
      if (own.length < 2) return [];
      return importsOf(file)
        .filter((target) => target.startsWith("."))
        .map((target) => relative(families, resolve(dirname(file), target)).split("/"))
        .filter((path) => path[0] !== ".." && path.length > 1 && path[0] !== own[0] && path[0] !== "engines")
        .map((path) => `${own.join("/")} imports ${path.join("/")}`);
    });
    expect(breaches).toEqual([]);
  });

  it("keeps the rooms of the app to theirs: the work on the store, the API on both, the command on all", () => {
    const app = join(packages, "app/src");
    const roomOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : ".");
    const breaches = sources(app).flatMap((file) => {
      const room = roomOf(relative(app, file));
      const allowed = APP[room];
      if (allowed === undefined || file.includes("/testing/")) return [];
      return importsOf(file)
        .filter((target) => target.startsWith("."))
        .map((target) => roomOf(relative(app, resolve(dirname(file), target))))
        .filter((wanted) => wanted !== room && !allowed.includes(wanted))
        .map((wanted) => `${relative(app, file)} imports ${wanted}`);
    });
    expect(breaches).toEqual([]);
  });

  it("loads the server only when it is asked for", () => {
    const app = join(packages, "app/src");
    const statically = sources(app)
      .filter((file) => !/\/(?:api|testing)\//.test(file))
      .filter((file) =>
        /^import [^;]*"(?:fastify|@fastify\/|prom-client|(?:\.\.?\/)+api\/)/m.test(
          readFileSync(file, "utf8"),
        ),
      );
    expect(statically).toEqual([]);
  });

  it("keeps core free of the app, and the app's faces off each other's backs", () => {
    const targets = files.flatMap(importsOf);
    expect(targets.filter((target) => /^(node:|@assay\/app)/.test(target))).toEqual([]);
  });
});

describe("imports of the pages", () => {
  const web = join(packages, "web/src");
  const files = [...sources(web), ...views(web)].filter((file) => !relative(web, file).startsWith("e2e/"));

  it("are the pages' own, core's pure rooms, and the libraries of the pages", () => {
    const breaches = files.flatMap((file) => {
      const name = relative(web, file);
      return importsOf(file)
        .filter((target) =>
          target.startsWith(".")
            ? isOutside(file, target) && !isTypes(file, target)
            : !WEB_PACKAGES.test(target) && !(target === "typebox" && isTypes(file, target)),
        )
        .map((target) => `${name} imports ${target}`);
    });
    expect(files.length).toBeGreaterThan(30);
    expect(breaches).toEqual([]);
  });

  const isOutside = (file: string, target: string) =>
    relative(web, resolve(dirname(file), target)).startsWith("..");
  /** Of the server, types and nothing else. */
  const isTypes = (file: string, target: string) =>
    readFileSync(file, "utf8")
      .split(";")
      .filter((statement) => statement.includes(`from "${target}"`))
      .every((statement) => /^\s*import type\b/m.test(statement));

  it("keep views apart", () => {
    const breaches = files.flatMap((file) => {
      const [room = ""] = relative(web, file).split("/");
      if (!VIEWS.includes(room)) return [];
      return importsOf(file)
        .filter((target) => target.startsWith("."))
        .map((target) => relative(web, resolve(dirname(file), target)).split("/")[0] ?? "")
        .filter((to) => to !== room && VIEWS.includes(to) && !VIEW_TIES[room]?.includes(to))
        .map((to) => `${relative(web, file)} imports ${to}`);
    });
    expect(breaches).toEqual([]);
  });
});

function views(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".tsx"))
    .map((entry) => join(entry.parentPath, entry.name));
}
