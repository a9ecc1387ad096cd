/** The bytes of an artifact, with those of the value in hand marked; and of the other values, which a click takes up. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type FormEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import type { Failure } from "../api-client.ts";
import { bytes as sizeText } from "../format.ts";
import { Problem } from "../ui/problem.tsx";
import { BLOCK, type Block, type BytesSource } from "./bytes-source.ts";
import { hex, type Span } from "./chain.ts";

const PER_ROW = 16;
const ROW_PX = 18;
/** Rows kept above the place that is jumped to. */
const ABOVE = 4;

/** Addresses above it are written with all their digits. */
const MAX_32 = 0xffff_ffffn;

export interface Mark {
  readonly span: Span;
  /** Names the value, for a click. */
  readonly id: string;
}

export interface HexPaneProps {
  readonly source: BytesSource;
  readonly artifact: number;
  /** Of its first byte in the memory that was dumped, in hex: then rows are named by addresses. */
  readonly address: string | undefined;
  /** Marked, and jumped to. */
  readonly focus: readonly Span[];
  readonly marks: readonly Mark[];
  readonly onMark: (id: string) => void;
}

export function HexPane({ source, artifact, address, focus, marks, onMark }: HexPaneProps) {
  const first = focus.find((span) => span.artifact === artifact)?.offset ?? 0;
  const [start, setStart] = useState(() => first - (first % BLOCK));
  const [goTo, setGoTo] = useState(first);
  const [block, setBlock] = useState<Block>();
  const [failure, setFailure] = useState<Failure>();
  const [turn, setTurn] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another value in hand jumps, also within the same artifact
  useEffect(() => {
    setStart(first - (first % BLOCK));
    setGoTo(first);
  }, [artifact, first, focus]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks again
  useEffect(() => {
    let gone = false;
    setFailure(undefined);
    void source.block(artifact, start).then((answer) => {
      if (gone) return;
      setBlock(answer.ok ? answer.value : undefined);
      setFailure(answer.ok ? undefined : answer.error);
    });
    return () => {
      gone = true;
    };
  }, [source, artifact, start, turn]);

  if (failure !== undefined) return <Problem failure={failure} again={() => setTurn(turn + 1)} />;
  if (block === undefined)
    return <p className="dim hex-wait">Making the bytes again from the stored sample …</p>;
  return (
    <Rows
      {...{ artifact, address, block, start, goTo, focus, marks, onMark }}
      onGo={(offset) => {
        const inside = Math.max(0, Math.min(block.size - 1, offset));
        setStart(inside - (inside % BLOCK));
        setGoTo(inside);
      }}
    />
  );
}

interface RowsProps extends Omit<HexPaneProps, "source"> {
  readonly block: Block;
  readonly start: number;
  readonly goTo: number;
  readonly onGo: (offset: number) => void;
}

function Rows({ artifact, address, block, start, goTo, focus, marks, onMark, onGo }: RowsProps) {
  const base = useMemo(() => (address === undefined ? 0n : BigInt(address)), [address]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: Math.ceil(block.bytes.length / PER_ROW),
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each place to go to
  useEffect(() => {
    rows.scrollToIndex(Math.max(0, Math.floor((goTo - start) / PER_ROW) - ABOVE), { align: "start" });
  }, [goTo, start, artifact, focus]);
  const here = useMemo(() => {
    const end = start + block.bytes.length;
    return (span: Span) =>
      span.artifact === artifact && span.offset < end && span.offset + span.length > start;
  }, [artifact, start, block]);
  const focused = useMemo(() => focus.filter(here), [focus, here]);
  const marked = useMemo(() => marks.filter(({ span }) => here(span)), [marks, here]);
  const end = start + block.bytes.length;
  return (
    <>
      <div className="bar hex-bar">
        <GoTo {...{ base, onGo }} size={block.size} />
        <span className="dim small">
          {hex(start)} to {hex(end)} of {sizeText(block.size)}
          {address !== undefined && `, in memory at ${address}`}
        </span>
        <span className="grow" />
        {block.size > BLOCK && (
          <>
            <button
              type="button"
              className="button small"
              disabled={start === 0}
              onClick={() => onGo(start - BLOCK)}
            >
              Before
            </button>
            <button
              type="button"
              className="button small"
              disabled={end >= block.size}
              onClick={() => onGo(start + BLOCK)}
            >
              After
            </button>
          </>
        )}
      </div>
      <section ref={scroller} className="hex" tabIndex={0} aria-label={`Bytes of artifact ${artifact}`}>
        <div style={{ height: rows.getTotalSize() }} className="hex-body">
          {rows.getVirtualItems().map(({ index, start: top }) => (
            <div key={index} className="hex-row" style={{ transform: `translateY(${top}px)` }}>
              <HexRow
                base={base}
                offset={start + index * PER_ROW}
                bytes={block.bytes.subarray(index * PER_ROW, (index + 1) * PER_ROW)}
                focus={focused}
                marks={marked}
                onMark={onMark}
              />
            </div>
          ))}
        </div>
      </section>
    </>
  );
}

interface GoToProps {
  readonly base: bigint;
  readonly size: number;
  readonly onGo: (offset: number) => void;
}

function GoTo({ base, size, onGo }: GoToProps) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const offset = parsePlace(text, base, size);
    if (offset !== undefined) onGo(offset);
  };
  return (
    <form onSubmit={submit}>
      <input
        className="mono hex-goto"
        aria-label={base === 0n ? "Go to offset" : "Go to offset or address"}
        placeholder={base === 0n ? "offset, 0x…" : "address, offset"}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}

/** `0x1f0`, `1f0h` or decimal: an offset, or an address within the `size` bytes that lie at `base`. */
export function parsePlace(text: string, base: bigint, size: number): number | undefined {
  const trimmed = text.trim().toLowerCase().replaceAll("`", "");
  const digits = /^0x([0-9a-f]{1,16})$/.exec(trimmed)?.[1] ?? /^([0-9a-f]{1,16})h$/.exec(trimmed)?.[1];
  if (digits === undefined && !/^\d{1,20}$/.test(trimmed)) return undefined;
  const place = BigInt(digits === undefined ? trimmed : `0x${digits}`);
  const inside = place - base;
  return Number(inside >= 0n && inside < BigInt(size) ? inside : place);
}

interface HexRowProps {
  readonly base: bigint;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly focus: readonly Span[];
  readonly marks: readonly Mark[];
  readonly onMark: (id: string) => void;
}

/** Runs of bytes that are drawn alike. */
interface Run {
  readonly from: number;
  to: number;
  readonly look: "" | "focus" | "mark";
  readonly id: string;
}

export function runsOf(
  offset: number,
  length: number,
  focus: readonly Span[],
  marks: readonly Mark[],
): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < length; i++) {
    const at = offset + i;
    const inFocus = focus.some((span) => at >= span.offset && at < span.offset + span.length);
    const mark = inFocus
      ? undefined
      : marks.find(({ span }) => at >= span.offset && at < span.offset + span.length);
    const look = inFocus ? "focus" : mark === undefined ? "" : "mark";
    const id = mark?.id ?? "";
    const last = runs.at(-1);
    if (last !== undefined && last.look === look && last.id === id) last.to = i + 1;
    else runs.push({ from: i, to: i + 1, look, id });
  }
  return runs;
}

const HexRow = memo(function HexRow({ base, offset, bytes, focus, marks, onMark }: HexRowProps) {
  const runs = runsOf(offset, bytes.length, focus, marks);
  const draw = (text: (byte: number, i: number) => string) =>
    runs.map(({ from, to, look, id }) => {
      const content = [...bytes.subarray(from, to)].map((byte, i) => text(byte, from + i)).join("");
      if (look === "") return <span key={from}>{content}</span>;
      if (look === "focus")
        return (
          <mark key={from} className="focus">
            {content}
          </mark>
        );
      return (
        // biome-ignore lint/a11y/noStaticElementInteractions: the same is to be had from the list of values
        // biome-ignore lint/a11y/useKeyWithClickEvents: the same is to be had from the list of values
        <span key={from} className="mark" onClick={() => onMark(id)}>
          {content}
        </span>
      );
    });
  return (
    <>
      <span className="hex-offset" title={base === 0n ? undefined : `offset ${hex(offset)}`}>
        {(base + BigInt(offset)).toString(16).padStart(base > MAX_32 ? 16 : 8, "0")}
      </span>
      <span className="hex-bytes">
        {draw((byte, i) => `${byte.toString(16).padStart(2, "0")}${i === 7 ? "  " : i === 15 ? "" : " "}`)}
      </span>
      <span className="hex-text">
        {draw((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·"))}
      </span>
    </>
  );
});
