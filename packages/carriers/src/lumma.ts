/** Carriers of win.lumma: one or more for every layout, with the variations that real builds show or may show. */
import { hex } from "@assay/core/bytes/index";
import type { Carrier } from "./carrier.ts";
import {
  type LummaL0Options,
  type LummaL1Options,
  type LummaL2Options,
  type LummaL3Options,
  lummaL0,
  lummaL1,
  lummaL2,
  lummaL3,
} from "./lumma-builders.ts";
import { noise } from "./lumma-tables.ts";

export * from "./lumma-builders.ts";

const FAMILY = "win.lumma";

const L1_HOSTS = [
  "first-slot.pw",
  "second.slot-two.fun",
  "a.co",
  "203.0.113.7",
  "203.0.113.8:8080",
  "xn--80ak6aa92e.com",
];
const L3_ENTRIES = [
  "alpha-one.top/auyw",
  "bravo.xyz/tekq",
  "charlie.example-host.su/a/b",
  "delta.ru/qidz",
  "echo.in:8443/zlpa",
  "198.51.100.23/laur",
  "golf.top",
  "hotel.xyz/gjtu",
  "india-nine.top/plxa",
];
const L2_HOSTS = [
  "kilo.cyou",
  "lima-two.shop",
  "mike.click",
  "november.top",
  "oscar.lat",
  "papa.bond",
  "quebec.icu",
  "romeo.run",
  "sierra.live",
];
const BUILD = "00112233445566778899aabbccddeeff0123456789";

/** One carrier or more for every layout. */
export function lummaCarriers(): Carrier[] {
  const https = (entries: readonly string[]) => entries.map((entry) => `https://${entry}`);
  const user = { "/config/identifier/0": "aB3dE6", "/config/campaign_id/0": "night_shift" };
  const l1 = (
    name: string,
    options: Partial<LummaL1Options>,
    values: Readonly<Record<string, unknown>> = user,
  ) => ({
    ...{ name: `lumma-l1${name}.exe`, family: FAMILY, layout: "L1" },
    bytes: lummaL1({ hosts: L1_HOSTS, userId: "aB3dE6", tag: "night_shift", ...options }),
    expected: { c2: https(options.hosts ?? L1_HOSTS), confidence: "structural" as const, values },
  });
  const l2 = (name: string, options: Partial<LummaL2Options>, c2 = https(L2_HOSTS)) => ({
    ...{ name: `lumma-l2${name}.exe`, family: FAMILY, layout: "L2" },
    bytes: lummaL2({ hosts: L2_HOSTS, userId: "aB3dE6", tag: "night_shift", ...options }),
    expected: { c2, confidence: "proved" as const, values: user },
  });
  const l3 = (name: string, options: Partial<LummaL3Options>, c2 = https(L3_ENTRIES)) => ({
    ...{ name: `lumma-l3${name}.exe`, family: FAMILY, layout: "L3" },
    bytes: lummaL3({ entries: L3_ENTRIES, build: BUILD, ...options }),
    expected: { c2, confidence: "proved" as const, values: { "/config/identifier/0": BUILD } },
  });
  const l0 = (name: string, options: Partial<LummaL0Options>, values: Readonly<Record<string, unknown>>) => ({
    ...{ name: `lumma-l0${name}.exe`, family: FAMILY, layout: "L0" },
    bytes: lummaL0({ hosts: ["203.0.113.91"], id: hex(noise(16, 9)), ...options }),
    expected: {
      c2: (options.hosts ?? ["203.0.113.91"]).map((host) => `http://${host}${options.path ?? "/c2sock"}`),
      ...{ confidence: "heuristic" as const, values },
    },
  });
  return [
    l3("", {}),
    l3("-shifted", { shift: 3, marker: false, code: false, seed: 31 }),
    l3("-unsigned", { marker: false, code: false, seed: 32 }),
    l3("-apart", { code: "apart", marker: false, seed: 33 }),
    l3(
      "-two",
      { entries: L3_ENTRIES.slice(0, 2), marker: false, code: false, seed: 34 },
      https(L3_ENTRIES.slice(0, 2)),
    ),
    l2("", {}),
    l2("-unmarked", { marker: false, seed: 21 }),
    l2("-reversed", { placement: "reversed", seed: 22 }),
    l2("-contiguous", { placement: "contiguous", seed: 23 }),
    l2("-broken", { broken: [4], seed: 24 }, https(L2_HOSTS.filter((_, i) => i !== 4))),
    l1("", {}),
    l1("-many", { hosts: [...L1_HOSTS, ...L2_HOSTS], seed: 11 }),
    l1("-empty-tag", { tag: "", seed: 12 }, { "/config/identifier/0": "aB3dE6" }),
    l1("-url-safe", { urlSafe: true, seed: 13 }),
    l1("-unreferenced", { references: false, seed: 14 }),
    l0(
      "",
      {},
      { "/config/identifier/0": hex(noise(16, 9)), "/config/http/0/user_agent": "TeslaBrowser/5.5" },
    ),
    l0(
      "-junk",
      {
        hosts: ["gate.uniform-one.xyz"],
        junk: "edx765",
        userAgent: false,
        path: "/c2conf",
        id: "aB3dE6--night_shift",
      },
      user,
    ),
  ];
}
