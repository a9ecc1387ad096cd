/** A memory image, window by window: rules, extractors and plain traces on raw memory; its images taken apart. */
import { dataRuns, type Span, type View } from "../../bytes/index.ts";
import {
  type FoundImage,
  findImages,
  type MemoryImage,
  type MemoryRegion,
  MemorySpace,
  openImage,
} from "../../formats/index.ts";
import { type Finding, Ledger, type Reason, type Sample } from "../../model/index.ts";
import { hexAddress, type Place } from "../artifacts.ts";
import { look } from "../look.ts";
import type { Ports } from "../ports.ts";
import { type AnalyseOptions, finish, type Head, type Item, type Kit, newState } from "../state.ts";
import { drain, record } from "../take-apart.ts";
import { byWorth, Places } from "./places.ts";
import { tracesOf } from "./traces.ts";
import { isSystemFile, overlapOf, planWindows, WINDOW, type Window } from "./windows.ts";

/** Largest image that is taken out of memory as a whole; of a larger one the beginning is. */
const MAX_IMAGE = 64 * 1024 * 1024;
/** What is taken of one whose headers say less: they and the first section. */
const MIN_IMAGE = 0x2000;
/** Images taken apart of one dump. */
const MAX_IMAGES = 4096;
/**
 * Bytes of images taken apart, in bytes of the memory that they lie in. An image within an image counts again, so that
 * headers in every page, each of which claims all that follows, cost no more than a few honest ones.
 */
const IMAGE_EFFORT = 2;
const MIN_IMAGE_EFFORT = 16 * 1024 * 1024;
/** Zeros in a row that part what is searched. */
const GAP = 64 * 1024;
/** Configs of one family looked for in one stretch: of a whole machine's memory several processes may lie in it. */
const MAX_AGAIN = 16;

/** What is known of the file that holds the image. */
export interface MemoryFile {
  readonly sha256: string;
  readonly size: number;
  readonly names: readonly string[];
  /** Where the image itself does not say whose memory it is. */
  readonly process?: { readonly name?: string; readonly pid?: number };
}

/** Analyses a memory image. Reads it a window at a time. Throws only on a bug of ours. */
export function analyseMemory(
  image: MemoryImage,
  file: MemoryFile,
  kit: Kit,
  ports: Ports,
  options: AnalyseOptions = {},
): Promise<Sample> {
  return new Scan(image, file, kit, ports, options).run();
}

const NO_RULES: Ports["rules"] = { scan: () => [] };

class Scan {
  readonly #image: MemoryImage;
  readonly #space: MemorySpace;
  readonly #kit: Kit;
  readonly #ports: Ports;
  readonly #options: AnalyseOptions;
  readonly #state: ReturnType<typeof newState>;
  readonly #sample: () => Sample;
  readonly #places: Places;
  readonly #known = new Set<string>();
  /** SizeOfImage of the images that were found, by their addresses. */
  readonly #images = new Map<bigint, number>();
  /** What one config may take up: windows repeat as much. */
  readonly #overlap: number;
  /** Bytes of images that may still be taken apart. */
  #effort: number;
  /** Images that were not, for want of it. */
  #skipped = 0;
  #buffer: Uint8Array<ArrayBuffer>;

  constructor(image: MemoryImage, file: MemoryFile, kit: Kit, ports: Ports, options: AnalyseOptions) {
    const started = ports.now();
    const state = newState(new Ledger(image.source), file.sha256, options);
    const head = headOf(image, file);
    const size = image.regions.reduce((sum, region) => sum + region.size, 0);
    this.#effort = Math.max(MIN_IMAGE_EFFORT, IMAGE_EFFORT * size);
    this.#image = image;
    this.#space = new MemorySpace(image);
    this.#kit = kit;
    this.#ports = ports;
    this.#options = options;
    this.#state = state;
    this.#places = new Places(state);
    this.#overlap = overlapOf(kit.families);
    this.#buffer = new Uint8Array(WINDOW + this.#overlap);
    state.seen.set(0, { format: image.kind, layout: "raw", base: 0, name: file.names[0] });
    state.reasons.push(...imageReasons(image));
    this.#sample = () => finish(head, state, kit.families, ports, options, ports.now() - started);
  }

  async run(): Promise<Sample> {
    for (const window of planWindows(this.#space, this.#overlap)) {
      this.#options.onStage?.(`searching memory at ${hexAddress(window.address)}`);
      const images = this.#search(window);
      for (const address of images) await this.#takeApart(address);
    }
    if (this.#skipped > 0)
      this.#state.reasons.push({
        stage: "memory",
        code: "budget",
        text: `${this.#skipped} more images than are taken apart: those were searched as plain memory only`,
      });
    this.#state.findings.splice(0, this.#state.findings.length, ...byWorth(this.#state.findings));
    const whole = this.#sample();
    for (const { id, view } of this.#state.ledger.entries.slice(1))
      this.#options.onArtifact?.(id, view.bytes);
    return whole;
  }

  /** Searches one window as it stands; gives the addresses of images worth taking apart. */
  #search(window: Window): bigint[] {
    const { ledger, places, seen, findings } = this.#state;
    const { length, spans } = this.#space.fill(window.address, this.#buffer.subarray(0, window.size));
    const runs = joined(this.#buffer.subarray(0, length));
    if (runs.length === 0) return [];
    const mark = ledger.entries.length;
    const at = spans.map((span) => ({ artifact: 0, ...span }));
    const view = ledger.adopt(
      this.#buffer.subarray(0, length),
      at,
      [],
      labelOf(window.address, window.regions[0]),
      "region",
    );
    places.set(mark, placeOf(window.address, window.regions));
    seen.set(mark, { format: "memory", layout: "raw", base: numberOf(window.address) ?? 0, name: undefined });
    const before = findings.length;
    const isVirtual = this.#image.kind !== "raw" && this.#image.kind !== "lime";
    for (const [start, end] of runs) this.#searchRun(view, start, end, window);
    const images = isVirtual ? this.#imagesIn(view, window) : [];
    if (this.#places.settle(mark, before)) {
      // Somebody holds on to the bytes.
      this.#buffer = new Uint8Array(WINDOW + this.#overlap);
      this.#options.onPartial?.(this.#sample());
    }
    return images;
  }

  /**
   * Rules, extractors and traces over [start, end) of a window. Files of the system that nobody could write to take the
   * extractors only of families that a rule names there.
   */
  #searchRun(view: View, start: number, end: number, window: Window): void {
    const open = this.#openParts(window, start, end);
    const isWhole = open.length === 1 && open[0]?.start === start && open[0].end === end;
    this.#extract(view, start, end, window, isWhole ? "all" : "named");
    if (!isWhole) for (const part of open) this.#extract(view, part.start, part.end, window, "unnamed");
    const base = numberOf(window.address);
    const part = view.clip(start, end - start);
    const opens = start > 0 || window.repeated === 0;
    const traces = tracesOf(
      this.#kit.families,
      part,
      base === undefined ? undefined : base + start,
      opens,
      this.#state.ledger,
    );
    this.#state.findings.push(...traces.findings.map((finding) => ({ ...finding, subject: 0 })));
    this.#state.reasons.push(...traces.reasons);
  }

  /** Rules and extractors over [start, end), and again behind each config. `unnamed`: without the rules. */
  #extract(view: View, start: number, end: number, window: Window, who: "all" | "named" | "unnamed"): void {
    const base = numberOf(window.address);
    const ports = who === "unnamed" ? { ...this.#ports, rules: NO_RULES } : this.#ports;
    for (let from = start, again = 0; from < end && again < MAX_AGAIN; again++) {
      const part = view.clip(from, end - from);
      const hint = { layout: "raw" as const, ...(base === undefined ? {} : { base: base + from }) };
      const looked = look(
        { image: openImage(part, hint), format: "memory", container: undefined },
        this.#kit.families,
        this.#state.ledger,
        ports,
        who === "named",
      );
      record(looked, 0, this.#state);
      if (looked.findings.length === 0) break;
      from = Math.max(from + 1, behind(looked.findings, part));
    }
  }

  /** What of [start, end) is not a file of the system as it was mapped: its parts, those that touch as one. */
  #openParts(window: Window, start: number, end: number): { start: number; end: number }[] {
    const parts: { start: number; end: number }[] = [];
    for (const region of window.regions) {
      const from = Math.max(start, Number(region.address - window.address));
      const to = Math.min(end, Number(region.address - window.address) + region.size);
      if (from >= to || this.#isAsMapped(region)) continue;
      const last = parts.at(-1);
      if (last?.end === from) last.end = to;
      else parts.push({ start: from, end: to });
    }
    return parts;
  }

  #isAsMapped(region: MemoryRegion): boolean {
    const isWritable = region.protection?.includes("w") === true;
    return !isWritable && isSystemFile(region) && !this.#isProgram(region);
  }

  /** Addresses of images that begin in the window and are not the system's own. */
  #imagesIn(view: View, window: Window): bigint[] {
    const options = { address: Number(window.address % 0x1000n) };
    return findImages(view, options)
      .map(({ start, sizeOfImage }: FoundImage) => ({ address: window.address + BigInt(start), sizeOfImage }))
      .filter(({ address, sizeOfImage }) => {
        if (this.#images.has(address)) return false;
        if (this.#images.size >= MAX_IMAGES) {
          this.#skipped++;
          return false;
        }
        this.#images.set(address, sizeOfImage);
        const region = this.#space.regionAt(address);
        return !isSystemFile(region) || this.#isProgram(region);
      })
      .map(({ address }) => address);
  }

  /** The process's own program stands first among its modules, wherever it lies: hollowed ones are the system's. */
  #isProgram(region: MemoryRegion | undefined): boolean {
    return region?.module !== undefined && region.module === this.#image.modules[0]?.name;
  }

  async #takeApart(address: bigint): Promise<void> {
    const { ledger, places, findings } = this.#state;
    if (this.#effort <= 0) {
      this.#skipped++;
      return;
    }
    const size = Math.max(MIN_IMAGE, this.#images.get(address) ?? 0);
    const { bytes, spans } = this.#space.clip(address, Math.min(MAX_IMAGE, size));
    this.#effort -= bytes.length;
    const mark = ledger.entries.length;
    const regions = this.#regionsIn(address, bytes.length);
    const base = numberOf(address);
    ledger.adopt(
      bytes,
      spans.map((span) => ({ artifact: 0, ...span })),
      [],
      labelOf(address, regions[0]),
      "image",
    );
    places.set(mark, placeOf(address, regions));
    const before = findings.length;
    const item: Item = {
      id: mark,
      depth: 1,
      kind: "image",
      name: regions[0]?.module,
      hint: base === undefined ? {} : { base },
      nearby: "",
      subject: 0,
    };
    await drain([item], this.#known, this.#state, this.#kit, this.#ports, this.#options, () => undefined);
    if (this.#places.settle(mark, before)) this.#options.onPartial?.(this.#sample());
  }

  #regionsIn(address: bigint, size: number): MemoryRegion[] {
    const regions: MemoryRegion[] = [];
    for (let at = address; at < address + BigInt(size); ) {
      const region = this.#space.regionAt(at);
      if (region === undefined) break;
      regions.push(region);
      at = region.address + BigInt(region.size);
    }
    return regions;
  }
}

/** Data with what zeros lie in it, as long as they are few. */
function joined(bytes: Uint8Array): [start: number, end: number][] {
  const runs: [number, number][] = [];
  for (const [start, end] of dataRuns(bytes)) {
    const last = runs.at(-1);
    if (last !== undefined && start - last[1] < GAP) last[1] = end;
    else runs.push([start, end]);
  }
  return runs;
}

/** Offset in `part` behind the evidence that ends first: there the next config may begin. */
function behind(findings: readonly Finding[], part: View): number {
  const ends = findings.map((finding) =>
    Math.max(
      0,
      ...finding.evidence
        .flatMap(({ at }) => at)
        .filter((span: Span) => span.artifact === part.artifact)
        .map((span: Span) => span.offset + span.length),
    ),
  );
  return Math.min(...ends.filter((end) => end > 0), part.base + part.length);
}

/** An address as a number, where numbers are exact. */
function numberOf(address: bigint): number | undefined {
  return address <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(address) : undefined;
}

function placeOf(address: bigint, regions: readonly MemoryRegion[]): Place {
  return { address, parts: regions.map((region) => ({ start: Number(region.address - address), region })) };
}

function labelOf(address: bigint, region: MemoryRegion | undefined): string {
  const what = [region?.protection, region?.type, region?.module].filter((word) => word !== undefined);
  return [`memory at ${hexAddress(address)}`, ...what].join(" ");
}

function headOf(image: MemoryImage, file: MemoryFile): Head {
  const process = { ...file.process, ...image.process };
  return {
    sha256: file.sha256,
    sha1: null,
    md5: null,
    size: file.size,
    names: [...file.names],
    memory: {
      kind: image.kind,
      ...(Object.keys(process).length === 0 ? {} : { process }),
      ...(image.pointerSize === undefined ? {} : { pointerSize: image.pointerSize }),
      regions: image.regions.length,
      bytes: image.regions.reduce((sum, region) => sum + region.size, 0),
    },
  };
}

/** What of the image is odd or not there. */
function imageReasons(image: MemoryImage): Reason[] {
  const reasons: Reason[] = image.anomalies.map((text) => ({ stage: "memory", code: "anomaly", text }));
  if (image.regions.length === 0)
    reasons.push({
      stage: "memory",
      code: "damaged",
      text: `${image.kind}: no memory in it that could be read`,
    });
  if (image.missing > 0)
    reasons.push({
      stage: "memory",
      code: "truncated",
      text: `the dump is cut short: it lists ${image.missing} more bytes of memory than are there`,
    });
  return reasons;
}
