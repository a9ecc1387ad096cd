import { buildPe, mapPe } from "@assay/carriers/pe-writer";
import {
  vidarBlob,
  vidarCarriers,
  vidarVa,
  vidarVb,
  vidarVc,
  vidarVd,
  vidarVe,
  vidarVf,
} from "@assay/carriers/vidar";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1, latin1Bytes, View } from "../../bytes/index.ts";
import { pbkdf2Sha1 } from "../../codecs/index.ts";
import type { ImageHint } from "../../formats/image.ts";
import { openImage } from "../../formats/open-image.ts";
import { type Finding, Ledger } from "../../model/index.ts";
import type { Extraction } from "../family.ts";
import { deadDropPlatform, isProfilePage, parseUrl } from "./hosts.ts";
import { ALPHABET, decodeText } from "./substitution-table.ts";
import { vidar } from "./vidar.ts";

const STEAM = "https://steamcommunity.com/profiles/76561199588685141";
const C2 = "http://128.140.69.37:80";
const ID = "0123456789abcdef0123456789abcdef";

function extractWith(bytes: Uint8Array, hint?: ImageHint): [Extraction, Ledger] {
  const ledger = new Ledger(bytes);
  const image = openImage(ledger.sample, hint);
  return [vidar.extract({ image, rules: [], matches: [], ledger, pbkdf2Sha1 }), ledger];
}

function statusOf(bytes: Uint8Array, hint?: ImageHint): string {
  return extractWith(bytes, hint)[0].status;
}

function findingOf(bytes: Uint8Array, hint?: ImageHint): Finding {
  const [extraction] = extractWith(bytes, hint);
  if (extraction.status !== "config") throw new Error(`${extraction.status}: ${extraction.text}`);
  return extraction.finding;
}

function at(value: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split("/")
    .reduce<unknown>((v, key) => (v as Record<string, unknown> | undefined)?.[key], value);
}

/** A PE32 whose .rdata holds these strings and nothing else of note. */
function program(...texts: readonly string[]): Uint8Array {
  return buildPe({ sections: [{ name: ".rdata", data: latin1Bytes(`\0${texts.join("\0")}\0`) }] });
}

describe("every carrier", () => {
  const carriers = vidarCarriers();

  it("covers each layout of the family", () => {
    expect(new Set(carriers.map((c) => c.layout))).toEqual(
      new Set(vidar.layouts.filter((l) => !l.inMemory).map((l) => l.id)),
    );
  });

  for (const carrier of carriers) {
    const mapped = mapPe(carrier.bytes);
    const base = carrier.layout === "Ve" || carrier.layout === "Vf" ? 0x140001000 : 0x401000;
    const damaged = Uint8Array.from(carrier.bytes).fill(0x41, 0, 0x200);
    const forms: readonly (readonly [string, Uint8Array, ImageHint?])[] = [
      ["file", carrier.bytes],
      ["mapped image", mapped, { layout: "mapped" }],
      ["region without headers at its base", mapped.slice(0x1000), { layout: "raw", base }],
      ["region without headers or base", mapped.slice(0x1000), { layout: "raw" }],
      ["file with its headers overwritten", damaged],
    ];
    for (const [form, bytes, hint] of forms) {
      it(`${carrier.name} gives its config as ${form}`, () => {
        const finding = findingOf(bytes, hint);
        expect(finding.layout).toBe(carrier.layout);
        expect(finding.confidence).toBe(carrier.expected.confidence);
        expect(finding.c2).toEqual(carrier.expected.c2);
        for (const [pointer, value] of Object.entries(carrier.expected.values ?? {}))
          expect([pointer, at(finding, pointer)]).toEqual([pointer, value]);
      });
    }

    it(`${carrier.name} proves every value by bytes that read as it`, () => {
      const [extraction, ledger] = extractWith(carrier.bytes);
      if (extraction.status !== "config") throw new Error(extraction.text);
      const { finding } = extraction;
      for (const { pointer, at: spans, as } of finding.evidence) {
        expect([pointer, spans.length > 0]).toEqual([pointer, true]);
        const bytes = ledger.read(spans);
        if (bytes === undefined) throw new Error(`${pointer} lies outside`);
        const value = at(finding, pointer);
        const text = as === "latin1" ? latin1(bytes) : Buffer.from(bytes).toString("hex");
        if (typeof value === "string" && !pointer.startsWith("/c2")) expect(text).toBe(value);
        const host = (value as { hostname?: string }).hostname;
        if (host !== undefined) expect(text).toContain(host);
      }
    });

    it(`${carrier.name} gives an outcome for every prefix and for damage`, () => {
      fc.assert(
        fc.property(
          fc.nat(carrier.bytes.length),
          fc.nat(carrier.bytes.length - 1),
          fc.nat(255),
          (cut, i, byte) => {
            extractWith(carrier.bytes.slice(0, cut));
            extractWith(Uint8Array.from(carrier.bytes).fill(byte, i, i + 8));
          },
        ),
        { numRuns: 15, seed: 7 },
      );
    });
  }
});

describe("Vidar is told from its kin", () => {
  const hidden = Array.from({ length: 12 }, (_, i) => `SELECT name, value FROM autofill_${i}`);

  it("a string table with a .php gate, as Arkei and Stealc have it, is not Vidar's", () => {
    const strings = [
      ...hidden,
      "MachineID: ",
      "system.txt",
      "http://",
      "203.0.113.9",
      "/tratata.php",
      "Default",
    ];
    const [extraction] = extractWith(vidarVc({ strings }));
    expect(extraction).toMatchObject({ status: "not-found", stage: "kin" });
  });

  it("a string table that names nobody is not Vidar's, whatever its layout", () => {
    expect(statusOf(vidarVc({ strings: [...hidden, "http://203.0.113.9"] }))).toBe("not-found");
    expect(statusOf(vidarVb({ key: "0561399548", host: "himarkh.xyz", texts: hidden }))).toBe("not-found");
    expect(statusOf(vidarVa({ key: "ABCD1234", hosts: [C2], profileId: "1", texts: hidden }))).toBe(
      "not-found",
    );
  });

  it("Vidar's own texts without any address are reported as a layout unknown", () => {
    const strings = [...hidden, "information.txt", "Work Dir: In memory", "MachineID: "];
    expect(extractWith(vidarVc({ strings }))[0]).toMatchObject({
      status: "unknown-layout",
      stage: "addresses",
    });
  });
});

describe("string tables", () => {
  const DROP = "https://somebody13.tumblr.com/";
  const strings = Array.from({ length: 30 }, (_, i) => `SELECT a, b FROM c${i % 3 === 0 ? "_id" : `_${i}`}`);
  const own = ["Work Dir: In memory", "MachineID: ", "information.txt"];
  const c2 = (bytes: Uint8Array) => {
    const [extraction] = extractWith(bytes);
    return extraction.status === "config" ? extraction.finding.config.http?.map((h) => h.uri) : extraction;
  };

  it.each(["pushed", "ecx", "edi"] as const)("may have their lengths %s", (length) =>
    expect(c2(vidarVc({ strings: [...strings, ...own, DROP, C2], length }))).toEqual([DROP, C2]),
  );

  it("may store each result in an object, between the next call's arguments", () =>
    expect(c2(vidarVc({ strings: [...strings, ...own, STEAM, C2], members: true }))).toEqual([STEAM, C2]));

  it("may write each argument over the one before", () =>
    expect(
      c2(
        vidarVb({
          key: "0561399548",
          host: "himarkh.xyz",
          texts: [...own, ...strings],
          reusesArgument: true,
        }),
      ),
    ).toEqual(["http://himarkh.xyz"]));

  it("may hide everything but the addresses", () =>
    expect(c2(vidarVc({ strings: [...strings, ...own], clear: [STEAM, C2] }))).toEqual([STEAM, C2]));
});

describe("a clean program is not Vidar", () => {
  it("with a URL, a version and an MD5", () => {
    expect(statusOf(program("https://t.me/our_channel", "1.2", ID, "http://203.0.113.9:8080"))).toBe(
      "not-found",
    );
    expect(statusOf(program("http://www.vendor.com/", "13.2", ID))).toBe("not-found");
  });

  it("with a Steam profile and a version, but nothing that makes a config of it", () => {
    expect(statusOf(program(STEAM, "1.2", "https://t.me/author", "https://github.com/author"))).toBe(
      "not-found",
    );
    expect(statusOf(program(STEAM, ID))).toBe("not-found");
  });

  it("with a Steam profile, a channel, a version and an MD5 among other links, as a launcher has them", () => {
    const links = ["store", "help", "news"].map((page) => `https://launcher.gg/${page}`);
    const urls = [STEAM, "https://t.me/launcher_news"];
    const config = {
      version: "2.14",
      buildId: "d41d8cd98f00b204e9800998ecf8427e",
      texts: false,
      versionByCode: false,
    };
    expect(statusOf(vidarVd({ urls, ...config }))).toBe("config");
    expect(statusOf(vidarVd({ urls: [...urls, ...links], ...config }))).toBe("not-found");
  });

  it("with the headings of a system report", () => {
    const headings = ["[Hardware]", "[Processes]", "[Software]", "Work Dir: ", "http://203.0.113.9"];
    expect(statusOf(program(...headings))).toBe("not-found");
  });

  it("with the texts of a Vidar signature and no address", () => {
    expect(statusOf(program("Work Dir: In memory", "information.txt", "MachineID:", "1.2", ID))).toBe(
      "not-found",
    );
  });

  it("when random bytes of any kind are read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 0x2000 }), (bytes) => {
        expect(statusOf(bytes)).toBe("not-found");
      }),
      { numRuns: 200, seed: 11 },
    );
  });
});

describe("clear config (Vd)", () => {
  it("calls no address of a shared or well-known host a C2", () => {
    const urls = [
      STEAM,
      "https://steamcommunity.com",
      "http://ip-api.com/",
      "http://127.0.0.1:9222",
      "https://t.me/abcdef",
    ];
    const finding = findingOf(vidarVd({ urls, version: "9.1" }));
    expect(finding.c2).toEqual([]);
    expect(finding.config.http?.map((h) => h.usage)).toEqual(["dead_drop_resolver", "dead_drop_resolver"]);
  });

  it("takes the version that code names before the nearest number", () => {
    const finding = findingOf(vidarVd({ urls: ["1.7", STEAM, C2], version: "13.2", buildId: ID }));
    expect(finding.version).toBe("13.2");
    expect(finding.reasons.map((r) => r.code)).not.toContain("version-by-place");
  });

  it("leaves the end of a longer hex string alone", () => {
    expect(
      findingOf(vidarVd({ urls: [STEAM], buildId: `ff${ID}`, version: "8.1" })).config.identifier,
    ).toBeUndefined();
  });
});

describe("substitution table (Ve)", () => {
  it("decodes the n-th character through the table, n back", () => {
    const reversed = [...ALPHABET].reverse().join("");
    // "0" has index 90 in the reversed table, so that it reads 90, then 89 …
    expect(decodeText(reversed, "000")).toBe(" ~}");
    expect(decodeText(reversed, '"')).toBeUndefined();
  });

  it("does not take the alphabet itself for a table", () => {
    const file = vidarVe({ urls: [STEAM], version: "17.7", buildId: ID });
    const text = latin1(file);
    const table = findingOf(file).config.encryption?.[0]?.constants?.[0] as string;
    const plain = latin1Bytes(text.replace(table, ALPHABET));
    expect(statusOf(plain)).toBe("not-found");
  });
});

describe("XOR blob (Vf)", () => {
  const blob = vidarBlob({ version: "1.6", buildId: ID, records: [{ url: STEAM, tag: "abc" }] });

  it("is found at any offset, aligned or not", () => {
    for (let lead = 0; lead < 9; lead++)
      expect(findingOf(concatBytes(new Uint8Array(lead).fill(0xa5), blob)).version).toBe("1.6");
  });

  it("is found in a view that begins at an odd byte of its buffer", () => {
    const buffer = concatBytes(new Uint8Array(3), blob);
    expect(findingOf(buffer.subarray(3)).version).toBe("1.6");
  });

  it("is not one when its version, its build id or its URL is no text", () => {
    for (const offset of [0x10, 0x31, 0x72]) {
      const broken = Uint8Array.from(blob);
      broken[offset] = (broken[offset] as number) ^ 0x80;
      expect(statusOf(broken)).toBe("not-found");
    }
  });

  it("takes a tagged page of an unlisted host for a dead drop, and says so", () => {
    const records = [
      { url: "https://forum.example.net/u/someone", tag: "abc" },
      { url: "https://203.0.113.4/", tag: "abc" },
    ];
    const finding = findingOf(vidarVf({ version: "1.8", buildId: ID, records }));
    expect(finding.c2).toEqual(["https://203.0.113.4/"]);
    expect(finding.config.http?.[0]?.usage).toBe("dead_drop_resolver");
    expect(finding.reasons.map((r) => r.code)).toContain("unlisted-dead-drop");
  });

  it("keeps 32 records and no more", () => {
    const records = Array.from({ length: 40 }, (_, i) => ({ url: `http://203.0.113.${i + 1}` }));
    expect(findingOf(vidarBlob({ version: "1.8", buildId: ID, records })).c2).toHaveLength(32);
  });
});

describe("hosts", () => {
  const url = (text: string) => {
    const parsed = parseUrl(text);
    if (parsed === undefined) throw new Error(`no URL: ${text}`);
    return parsed;
  };

  it("tells dead drops by their host and page", () => {
    expect(deadDropPlatform(url(STEAM))).toBe("steam");
    expect(deadDropPlatform(url("https://www.tiktok.com/@user/video/1"))).toBe("other");
    expect(deadDropPlatform(url("https://some.instance.social/@user"))).toBe("mastodon");
    expect(deadDropPlatform(url("https://steamcommunity.com/"))).toBeUndefined();
    expect(deadDropPlatform(url("https://somebody13.tumblr.com/"))).toBe("other");
    for (const own of ["", "www.", "api."])
      expect([own, deadDropPlatform(url(`https://${own}tumblr.com/`))]).toEqual([own, undefined]);
    expect(deadDropPlatform(url("https://notsteamcommunity.com/profiles/76561199588685141"))).toBeUndefined();
    expect(isProfilePage(url("https://steamcommunity.com/app/440"))).toBe(false);
  });

  it("refuses what is no address", () => {
    for (const text of [
      "http://",
      "http://%s",
      "http://1.2.3.4.5",
      "http://256.1.1.1",
      "http://127.0.0.1",
      "https://x",
      "ftp://a.b",
      "http://a.b:0",
      "http://a.b:70000",
    ])
      expect([text, parseUrl(text)]).toEqual([text, undefined]);
  });

  it("reads IPv6 hosts without their brackets", () => {
    expect(url("https://[2001:db8::17]:8443/x")).toEqual({
      scheme: "https",
      host: "2001:db8::17",
      port: 8443,
      path: "/x",
    });
  });
});

describe("dead-drop pages", () => {
  const read = (page: string) => vidar.deadDrop?.(new View(latin1Bytes(page))) ?? [];
  const marked = (page: string) => vidar.unresolvedDrops?.(new View(latin1Bytes(page))) ?? [];

  it("reads a Steam profile's name", () => {
    const answers = read(
      '<html><title>Steam Community :: dqu220 https://203.0.113.7|</title><div><span class="actual_persona_name">dqu220 https://203.0.113.7|</span></div></html>',
    );
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({
      value: "https://203.0.113.7",
      endpoint: { scheme: "https", host: "203.0.113.7", usage: "c2" },
      method: 'text behind tag "dqu220" in Steam profile name',
      rank: 0,
    });
  });

  it("reads a Telegram description whose address is a link, and its bytes prove it", () => {
    const page =
      '<div class="tgme_page_description" dir="auto">m36 <a href="https://203.0.113.7:443">https://203.0.113.7:443</a>|</div>';
    const [answer] = read(page);
    expect(answer?.value).toBe("https://203.0.113.7:443");
    expect(answer?.text.at.map((s) => page.slice(s.offset, s.offset + s.length)).join("")).toBe(
      "m36 https://203.0.113.7:443|",
    );
  });

  it("reads a Mastodon bio, from the page and from the API", () => {
    expect(
      read('<div class="account__header__content"><p>hello 203.0.113.7:80|</p></div>')[0]?.endpoint,
    ).toMatchObject({ scheme: "http", host: "203.0.113.7", port: 80 });
    expect(
      read('{"id":"1","note":"\\u003cp\\u003ehello himarkh.xyz|\\u003c/p\\u003e","url":"x"}')[0]?.value,
    ).toBe("himarkh.xyz");
  });

  it("reads bare text and the description in a meta tag", () => {
    expect(read("abc1 http://203.0.113.7|")[0]?.rank).toBe(0);
    expect(read("hello 203.0.113.7:8080")[0]).toMatchObject({ value: "203.0.113.7:8080", rank: 1 });
    expect(read('<meta property="og:description" content="abc1 http://203.0.113.7|">')[0]?.value).toBe(
      "http://203.0.113.7",
    );
  });

  it("takes no C2 from an ordinary page", () => {
    expect(
      read(
        "<html><title>Steam Community :: Gabe</title><body>visit us at www.example.org | contact</body></html>",
      ),
    ).toEqual([]);
    expect(read("abc1 https://steamcommunity.com/id/x|")).toEqual([]);
  });

  it("says that text behind a tag is coded instead of guessing", () => {
    const page = '<span class="actual_persona_name">abc1 Zm9vYmFyYmF6cXV4|</span>';
    expect(read(page)).toEqual([]);
    expect(marked(page).map((m) => m.value)).toEqual(["abc1 Zm9vYmFyYmF6cXV4|"]);
    expect(marked("abc1 http://203.0.113.7|")).toEqual([]);
  });

  it("ends on hostile pages", () => {
    const pages = [
      "<".repeat(1e5),
      "a ".repeat(1e5),
      `${"a".repeat(1e5)} ${" ".repeat(1e5)}|`,
      'class="actual_persona_name"'.repeat(5000),
      '<meta name="description"'.repeat(40000),
      "a 1.1.1.1 ".repeat(5e4),
    ];
    const started = performance.now();
    for (const page of pages) read(page);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
