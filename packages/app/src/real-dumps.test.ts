/** Dumps of harmless programs that ran (docs/memory-dumps.md): a real loader's and real allocators' memory. */
import { fileURLToPath } from "node:url";
import type { Sample } from "@assay/core/model/index";
import { describe, expect, it } from "vitest";
import { createAnalyser } from "./analyser.ts";

const analyser = await createAnalyser();
const analysed = (name: string): Promise<Sample> =>
  analyser.analyseFile(Buffer.from(fileURLToPath(new URL(`fixtures/dumps/${name}`, import.meta.url))), name);

/** What scripts/make-dumps/configs.ts has the programs decrypt. */
const REMCOS = ["tcp://first.example:2404", "tcp://198.51.100.7:443"];
const VIDAR = ["http://203.0.113.44:80"];
const QUASAR = ["tcp://c2.quasar.example:4782", "tcp://203.0.113.9:1604"];
/** What the carriers hold that it maps. */
const LUMMA = ["https://alpha-one.top/auyw", "https://bravo.xyz/tekq"];
const REDLINE = ["tcp://192.0.2.10:19071"];
const QUASAR_IMAGE = ["tcp://c2.quasar.example:4782", "tcp://[2001:db8::77]:8443", "tcp://203.0.113.9:1604"];

interface Row {
  readonly family: string;
  readonly confidence: string;
  readonly c2: readonly string[];
}

function rows({ findings }: Sample): Row[] {
  return findings
    .map(({ family, confidence, c2 }) => ({ family, confidence, c2 }))
    .sort((a, b) => (`${a.family}${a.confidence}` < `${b.family}${b.confidence}` ? -1 : 1));
}

const ALL: readonly Row[] = [
  { family: "win.lumma", confidence: "proved", c2: LUMMA },
  { family: "win.quasar_rat", confidence: "heuristic", c2: QUASAR },
  { family: "win.quasar_rat", confidence: "proved", c2: QUASAR_IMAGE },
  { family: "win.redline_stealer", confidence: "proved", c2: REDLINE },
  { family: "win.remcos", confidence: "heuristic", c2: REMCOS },
  { family: "win.vidar", confidence: "heuristic", c2: VIDAR },
];

/** Of the memory that each finding's evidence comes from: family → region as the report tells it. */
function regionsOf(sample: Sample): Map<string, { address: string; protection: string | undefined }> {
  const regions = new Map<string, { address: string; protection: string | undefined }>();
  for (const { family, confidence, evidence } of sample.findings) {
    let id = evidence[0]?.at[0]?.artifact;
    for (let artifact = sample.artifacts.find((one) => one.id === id); artifact !== undefined; ) {
      const [region] = artifact.memory?.regions ?? [];
      if (region !== undefined)
        regions.set(`${family} ${confidence}`, { address: region.address, protection: region.protection });
      id = artifact.from?.[0]?.artifact;
      artifact = id === undefined || id === 0 ? undefined : sample.artifacts.find((one) => one.id === id);
    }
  }
  return regions;
}

describe.each([
  ["wine.dmp", "harmless.exe"],
  ["linux.core", "harmless"],
])("%s", (name, process) => {
  it("shows every config, decrypted or mapped without headers, and whose memory it was", async () => {
    const sample = await analysed(name);
    expect(rows(sample)).toEqual(ALL);
    expect(sample.memory?.process?.name).toBe(process);
    expect(sample.memory?.process?.pid).toBeGreaterThan(0);
  });

  it("tells the region of each: what was allocated to run, and the heap", async () => {
    const regions = regionsOf(await analysed(name));
    for (const image of ["win.lumma proved", "win.redline_stealer proved", "win.quasar_rat proved"])
      expect([image, regions.get(image)?.protection]).toEqual([image, "rwx"]);
    for (const text of ["win.remcos heuristic", "win.vidar heuristic", "win.quasar_rat heuristic"])
      expect([text, regions.get(text)?.protection]).toEqual([text, "rw-"]);
    for (const { address } of regions.values()) expect(address).toMatch(/^0x[0-9a-f]+$/);
  });

  it("counts no place of a config twice", async () => {
    for (const { family, also } of (await analysed(name)).findings)
      expect([family, also]).toEqual([family, undefined]);
  });
});

describe("mono.core", () => {
  it("shows the settings that a .NET program has as strings", async () => {
    const sample = await analysed("mono.core");
    expect(rows(sample)).toEqual([{ family: "win.quasar_rat", confidence: "heuristic", c2: QUASAR }]);
    expect(sample.memory?.process?.name).toBe("mono");
  });
});
