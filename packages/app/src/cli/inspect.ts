/** `assay inspect FILE`: formats, sections, .NET make-up, what matched where, the artifact tree; `--extract` writes it out. */
import { printable } from "@assay/core/export/escape";
import type { Sample } from "@assay/core/model/index";
import type { Command } from "commander";
import type { Facts } from "../facts.ts";
import { exitStatus } from "./exit-status.ts";
import { type CommonFlags, poolOptions, UsageError, withCommonFlags } from "./options.ts";
import { emit, json } from "./output.ts";

interface InspectFlags extends CommonFlags {
  readonly extract?: string;
  readonly raw?: boolean;
}

export function inspectCommand(program: Command): void {
  withCommonFlags(
    program
      .command("inspect")
      .description("the make-up of one file: formats, sections, resources, rules, the tree of what is inside")
      .argument("<file>"),
  )
    .option(
      "--extract <dir>",
      "write the inner artifacts to DIR, as CaRT: neutralised, password-free, the field's own form",
    )
    .option("--raw", "with --extract: write live bytes instead of CaRT")
    .action(async (file: string, flags: InspectFlags) => {
      if (flags.raw && flags.extract === undefined) throw new UsageError("--raw goes with --extract");
      const { Pool } = await import("../pool/pool.ts");
      const pool = new Pool({ ...poolOptions(flags, [file]), size: 1 });
      try {
        const { sample, facts, bytes } = await pool.inspect(
          Buffer.from(file),
          file,
          flags.extract !== undefined,
        );
        if (facts === undefined)
          throw new UsageError(`${file}: ${sample.reasons[0]?.text ?? "cannot be read"}`);
        if (flags.extract !== undefined) {
          const { writeArtifacts } = await import("./extract-artifacts.ts");
          writeArtifacts(sample, bytes, flags.extract, flags.raw ?? false);
        }
        emit(flags.json ? json({ ...facts, sample }) : text({ ...facts, sample }), flags.out);
        process.exitCode = exitStatus([sample]);
      } finally {
        pool.close();
      }
    });
}

const hex = (value: number): string => `0x${value.toString(16)}`;

type Shown = Facts & { readonly sample: Sample };

function text(facts: Shown): string {
  const lines = [
    `format  ${facts.format}`,
    `sha256  ${facts.sample.sha256}`,
    `outcome ${facts.sample.outcome}`,
  ];
  for (const [name, value] of Object.entries(facts.image)) lines.push(...field(name, value, 0));
  for (const hit of facts.rules) {
    lines.push(`rule    ${printable(hit.rule)}`);
    for (const match of hit.matches) lines.push(`  ${printable(match.name)} at ${hex(match.offset)}`);
  }
  lines.push("artifacts", ...tree(facts.sample));
  for (const finding of facts.sample.findings) {
    lines.push(
      `finding ${finding.family} layout ${finding.layout} (${finding.confidence})`,
      ...finding.c2.map((url) => `  ${printable(url)}`),
    );
  }
  for (const reason of facts.sample.reasons) lines.push(`reason  ${reason.stage}: ${printable(reason.text)}`);
  return `${lines.join("\n")}\n`;
}

/** Nested facts as indented lines; flat objects on one line. */
function field(name: string, value: unknown, depth: number): string[] {
  const pad = "  ".repeat(depth);
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
  if (Array.isArray(value)) return [`${pad}${name}`, ...value.map((item) => `${pad}  ${flat(item)}`)];
  if (typeof value === "object" && value !== null) {
    return [
      `${pad}${name}`,
      ...Object.entries(value).flatMap(([key, inner]) => field(key, inner, depth + 1)),
    ];
  }
  return [`${pad}${name.padEnd(Math.max(8, name.length + 1))}${flat(value)}`];
}

function flat(value: unknown): string {
  if (typeof value !== "object" || value === null) return printable(String(value));
  return Object.entries(value)
    .map(
      ([key, inner]) =>
        `${key}=${typeof inner === "object" ? JSON.stringify(inner) : printable(String(inner))}`,
    )
    .join("  ");
}

function tree(sample: Sample): string[] {
  const children = new Map<number, number[]>();
  for (const artifact of sample.artifacts) {
    const parent = artifact.from?.[0]?.artifact;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), artifact.id]);
  }
  const draw = (id: number, depth: number): string[] => {
    const artifact = sample.artifacts[id];
    if (artifact === undefined) return [];
    const place = artifact.from?.map((span) => `${hex(span.offset)}+${span.length}`).join(", ");
    const made =
      artifact.by === undefined
        ? ""
        : `  by ${artifact.steps?.map((step) => step.op).join(" → ")} from ${place}`;
    const line = `${"  ".repeat(depth + 1)}#${id} ${artifact.label === undefined ? artifact.kind : printable(artifact.label)}  ${artifact.size} bytes  ${artifact.format}  ${artifact.sha256.slice(0, 12)}${made}`;
    return [line, ...(children.get(id) ?? []).flatMap((child) => draw(child, depth + 1))];
  };
  return draw(0, 0);
}
