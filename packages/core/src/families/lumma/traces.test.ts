import { HeapWriter } from "@assay/carriers/heap-writer";
import { describe, expect, it } from "vitest";
import { concatBytes, latin1Bytes, utf16leBytes } from "../../bytes/index.ts";
import { Ledger } from "../../model/index.ts";
import { tracesOf } from "../../triage/memory/traces.ts";
import { lumma } from "./lumma.ts";

const FAMILIES = [lumma];

function tracesIn(bytes: Uint8Array) {
  const ledger = new Ledger(bytes);
  return tracesOf(FAMILIES, ledger.sample, undefined, false, ledger).findings;
}

const HOST = "delayed.example-host.site";
const V4 = "act=recive_message&ver=4.0&lid=z9sSW4--build7&j=";
const BUILD = "490cef3c0ae4b5f900506d5988954245474b4975ef";
const V6 = `uid=${BUILD}&cid=`;

function head(host: string, path = "/api"): string {
  return [
    `POST ${path} HTTP/1.1`,
    "Connection: Keep-Alive",
    "Content-Type: application/x-www-form-urlencoded",
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "Content-Length: 52",
    `Host: ${host}`,
    "\r\n",
  ].join("\r\n");
}

interface Wide {
  readonly wide: string;
}
const wide = (text: string): Wide => ({ wide: text });
/** The host as WinHTTP and the program itself keep it. */
const both = (host: string, narrow = host) => [wide(host), narrow];

/**
 * The heap of a process that steals: hosts of its victim's accounts lie in it, then what it sends. A text is a C
 * string, a number a gap of so many bytes.
 */
function heapOf(...items: readonly (string | Wide | number)[]): Uint8Array {
  const heap = new HeapWriter().blocks(300);
  for (const account of ["accounts.shop.example", "mail.example.net"]) {
    heap.cString(`https://${account}/login`);
    heap.wideString(account);
  }
  heap.blocks(200);
  for (const item of items) {
    if (typeof item === "number") heap.zeros(item);
    else if (typeof item === "string") heap.cString(item);
    else heap.wideString(item.wide);
  }
  return heap.blocks(300).bytes();
}

describe("a request of v4", () => {
  const bytes = heapOf(V4, ...both(HOST));
  const [finding, ...more] = tracesIn(bytes);

  it("yields the host that stands beside it in both encodings, and no other", () => {
    expect(more).toEqual([]);
    expect(finding?.c2).toEqual([`https://${HOST}`]);
    expect([finding?.layout, finding?.confidence]).toEqual(["memory", "heuristic"]);
  });

  it("names customer and tag", () => {
    expect(finding?.config.identifier).toEqual(["z9sSW4"]);
    expect(finding?.config.campaign_id).toEqual(["build7"]);
  });

  it("points at the bytes of every value, in each encoding", () => {
    const ledger = new Ledger(bytes);
    for (const { pointer, at, as } of finding?.evidence ?? []) {
      if (pointer !== "/c2/0") continue;
      const read = at.map((span) => ledger.read([span]) ?? new Uint8Array(0));
      expect(read).toEqual([as === "utf16le" ? utf16leBytes(HOST) : latin1Bytes(HOST)]);
    }
  });

  it("has its parameters in any order, and `j` for the tag", () => {
    const [other] = tracesIn(heapOf("act=get_message&lid=MwgBVt&j=default&ver=4.0", wide(HOST), `${HOST}/`));
    expect([other?.c2, other?.config.identifier, other?.config.campaign_id]).toEqual([
      [`https://${HOST}`],
      ["MwgBVt"],
      ["default"],
    ]);
  });
});

describe("the head of a request", () => {
  it("names its host beside a body", () => {
    const [finding] = tracesIn(heapOf(head(HOST), V4));
    expect(finding?.c2).toEqual([`https://${HOST}`]);
  });

  it("names none when it sends no form, or is not near", () => {
    const get = head(HOST).replace("POST", "GET");
    expect(tracesIn(heapOf(get, V4))).toEqual([]);
    expect(tracesIn(heapOf(head(HOST), 0x3000, V4))).toEqual([]);
  });
});

describe("a request of v6", () => {
  const hosts = both("roriwf.example", "roriwf.example/auyw");

  it("counts when its build id stands elsewhere too, and yields the host with its path", () => {
    const [finding] = tracesIn(heapOf(V6, ...hosts, BUILD));
    expect(finding?.c2).toEqual(["https://roriwf.example/auyw"]);
    expect(finding?.config.identifier).toEqual([BUILD]);
  });

  it("counts with the machine's id", () => {
    const body = `${V6}&hwid=0F9A3C51E8B24D60A1C2D3E4F5061728`;
    expect(tracesIn(heapOf(body, ...hosts))).toHaveLength(1);
  });

  it("is nobody's by itself: others send such pairs", () => {
    expect(tracesIn(heapOf(V6, ...hosts))).toEqual([]);
    const analytics = `uid=${BUILD}&cid=1234.5678&tid=UA-1`;
    expect(tracesIn(heapOf(analytics, ...hosts, BUILD))).toEqual([]);
  });

  it("may be a form in parts", () => {
    const part = (name: string, value: string) =>
      `--boundary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const form = part("uid", BUILD) + part("pid", "2") + part("hwid", "0f9a3c51e8b24d60a1c2d3e4f5061728");
    const [finding] = tracesIn(heapOf(form, ...hosts));
    expect(finding?.config.identifier).toEqual([BUILD]);
    expect(tracesIn(heapOf(part("uid", BUILD), ...hosts))).toEqual([]);
  });
});

describe("dead drops", () => {
  it("beside a request are reported as such", () => {
    const drop = "https://steamcommunity.com/profiles/76561199000000001";
    const [finding] = tracesIn(heapOf(head(HOST), V4, wide(drop)));
    expect(finding?.c2).toEqual([`https://${HOST}`]);
    expect(finding?.config.http?.map(({ usage }) => usage)).toEqual(["c2", "dead_drop_resolver"]);
  });
});

describe("what is no config", () => {
  it("is a lone host, or one in one encoding only", () => {
    expect(tracesIn(heapOf(wide(HOST), HOST))).toEqual([]);
    expect(tracesIn(heapOf(V4, wide(HOST)))).toEqual([]);
    expect(tracesIn(heapOf(V4, HOST))).toEqual([]);
  });

  it("is a vendor's, a private or an unknown host, a wallet's or the name of a file", () => {
    for (const host of [
      "ctldl.windowsupdate.com",
      "ocsp.digicert.com",
      "www.google.com",
      "crypto.com",
      "10.1.2.3",
      "127.0.0.1",
      "host.zzzz",
      "libc.so",
      "steamcommunity.com",
    ])
      expect([host, tracesIn(heapOf(V4, ...both(host)))]).toEqual([host, []]);
  });

  it("is a template of a body", () => {
    expect(tracesIn(heapOf("act=recive_message&ver=4.0&lid=%s&j=%s", ...both(HOST)))).toEqual([]);
  });

  it("is text: an analyst's notes, a rule file, a proxy's log", () => {
    const notes = ["C2:", HOST, head(HOST), V4, `$a = "${V4}"`, `$b = "${HOST}" wide`, V6, BUILD, ""].join(
      "\r\n",
    );
    expect(tracesIn(latin1Bytes(notes))).toEqual([]);
    expect(tracesIn(concatBytes(utf16leBytes(notes), latin1Bytes(notes)))).toEqual([]);
  });
});

describe("what is made against us", () => {
  it("costs time linear in the window", () => {
    for (const text of [
      V4,
      `${V4}\0`,
      `${V6}\0\0`,
      `${head(HOST)}${V4}\0`,
      'name="uid"\r\n\r\n',
      "&cid=&hwid=",
    ]) {
      const unit = latin1Bytes(text);
      const bytes = new Uint8Array(1 << 20);
      for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
      const began = performance.now();
      tracesIn(bytes);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  it("may be cut anywhere without a throw", () => {
    const bytes = heapOf(head(HOST), V4, wide(HOST));
    for (let cut = 0; cut < bytes.length; cut += 997) tracesIn(bytes.subarray(cut / 2, cut));
  });
});
