/**
 * Ten carriers that restage a published campaign: Lumma, Remcos, Quasar, RedLine and Vidar from one repository, with
 * C2s shared between them. Names, families and addresses are those of the publication; everything else is ours.
 */
import type { Carrier } from "./carrier.ts";
import { lummaL1 } from "./lumma.ts";
import { quasarClient } from "./quasar.ts";
import { redlineArguments } from "./redline.ts";
import { remcosCarrier } from "./remcos.ts";
import { vidarVd } from "./vidar.ts";

/** Lumma's C2 hosts. The first two stand in `forum.exe` and in `NativeX.exe`. */
const OPPOSE = "opposesicknessopw.pw";
const POLITE = "politefrightenpowoa.pw";
const ASSAULT = "assaultseekwoodywod.pw";
const CAKE = "cakecoldsplurgrewe.pw";
const CHIN = "chincenterblandwka.pw";
const PINK = "pinkipinevazzey.pw";
const REVIVE = "reviveincapablewew.pw";
const DAY = "dayfarrichjwclik.fun";
const DIAGRAM = "diagramfiremonkeyowwa.fun";
const NEIGHBOR = "neighborhoodfeelsa.fun";
const RATE = "ratefacilityframw.fun";
/** Addresses of a CDN that two Lumma builds list beside their hosts. */
const CDN = ["104.21.32.12", "172.67.182.33"] as const;

const LUMMA: Readonly<Record<string, { readonly hosts: readonly string[]; readonly tag: string }>> = {
  "forum.exe": { hosts: [OPPOSE, POLITE, ASSAULT, CAKE, CHIN, DAY, ...CDN], tag: "forum" },
  "NativeX.exe": { hosts: [OPPOSE, POLITE, PINK, REVIVE, DIAGRAM, NEIGHBOR, ...CDN], tag: "native" },
  "setup_full.exe": { hosts: [ASSAULT, CAKE, PINK, NEIGHBOR, RATE], tag: "full" },
  "updater.exe": { hosts: [CHIN, REVIVE, DAY, DIAGRAM, RATE], tag: "upd" },
};

/** The two RATs stand on the same addresses; one of them has a third, which differs from the first by one digit. */
const RAT_HOSTS = ["77.105.132.70", "177.105.132.124"] as const;
const RAT_HOST_NEARLY = "177.105.132.70";
const REMCOS_PORT = 2404;
const QUASAR_PORT = 4782;

const VIDAR_URLS = [
  "http://128.140.69.37:80",
  "https://steamcommunity.com/profiles/76561199588685141",
] as const;

interface Planned {
  readonly name: string;
  readonly family: string;
  readonly layout: string;
  readonly confidence: Carrier["expected"]["confidence"];
  readonly bytes: Uint8Array;
  readonly c2: readonly string[];
}

/** The ten, in the order of the publication's table. Deterministic. */
export function demoBatch(): Carrier[] {
  const planned: Planned[] = [
    ...Object.entries(LUMMA).map(
      ([name, { hosts, tag }]): Planned => ({
        name,
        family: "win.lumma",
        layout: "L1",
        confidence: "structural",
        bytes: lummaL1({ hosts, userId: "c2CoW0", tag }),
        c2: hosts.map((host) => `https://${host}`),
      }),
    ),
    {
      name: "gbrem.exe",
      family: "win.remcos",
      layout: "R3",
      confidence: "proved",
      bytes: remcosCarrier({
        layout: "R3",
        c2s: RAT_HOSTS.map((host) => ({ host, port: REMCOS_PORT, tls: true })),
        fields: { 1: "gb", 14: "Rmc-5P0XQ1", 52: "9A1C7B4E2D60F8351C7B4E2D60F8359A" },
      }),
      c2: RAT_HOSTS.map((host) => `tcp://${host}:${REMCOS_PORT}`),
    },
    {
      name: "gbquas.exe",
      family: "win.quasar_rat",
      layout: "1.4",
      confidence: "proved",
      bytes: quasarClient({
        layout: "1.4",
        hosts: [...RAT_HOSTS, RAT_HOST_NEARLY].map((host) => `${host}:${QUASAR_PORT};`).join(""),
        tag: "gbquas",
        on: ["INSTALL", "STARTUP"],
      }),
      c2: [...RAT_HOSTS, RAT_HOST_NEARLY].map((host) => `tcp://${host}:${QUASAR_PORT}`),
    },
    redline(
      "2024crypt.exe",
      ["5.42.64.67:28105", "82.147.85.205:20154"],
      "LogsDiller",
      "Mullions",
      "a1f24b6d3c9e4075b8d2e61f70c35a98",
    ),
    redline(
      "installs.exe",
      ["142.132.232.235:28121"],
      "installs",
      "Castaway",
      "0c77d1b95e2a4f3694b8a6f1d3205e7b",
    ),
    vidar("timeSync.exe", "7.2", "7d1f3c5a90b24e688f2d5b7a1c3e9f04"),
    vidar("stealth.exe", "7.3", "5b6c2e81f40d9a37c1e85f2093b7d6a4"),
  ];
  return planned.map(({ c2, confidence, ...rest }) => ({ ...rest, expected: { c2, confidence } }));
}

function redline(name: string, c2: readonly string[], id: string, key: string, token: string): Planned {
  return {
    name,
    family: "win.redline_stealer",
    layout: "arguments",
    confidence: "structural",
    bytes: redlineArguments({ c2, id, key, token }),
    c2: c2.map((address) => `tcp://${address}`),
  };
}

function vidar(name: string, version: string, buildId: string): Planned {
  return {
    name,
    family: "win.vidar",
    layout: "Vd",
    confidence: "structural",
    bytes: vidarVd({ urls: VIDAR_URLS, version, buildId }),
    c2: [VIDAR_URLS[0]],
  };
}
