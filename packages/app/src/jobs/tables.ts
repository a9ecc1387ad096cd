/**
 * The tables of the work, as drizzle knows them.
 *
 *     batches ─< submissions >─ tasks ─> engines     a task: one file, one engine, one way to open it
 *        └─< batch_events          └ analysis        what came of it
 */
import { bigint, boolean, integer, jsonb, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { digest, hostile, instant } from "../store/columns.ts";
import { assay } from "../store/schema.ts";
import type { Filter } from "./types.ts";

/** What results come from: a release, and the version of each of its families. */
export const engines = assay.table("engines", {
  id: uuid("id").primaryKey(),
  version: text("version").notNull(),
  families: jsonb("families").$type<Readonly<Record<string, string>>>().notNull(),
});

export const tasks = assay.table("tasks", {
  /** Follows from file, engine and options: the same work is one row. */
  id: uuid("id").primaryKey(),
  sha256: digest("sha256").notNull(),
  engine: uuid("engine").notNull(),
  size: bigint("size", { mode: "number" }).notNull(),
  /** JSON of a How. */
  options: hostile("options").notNull(),
  priority: integer("priority").notNull(),
  state: text("state").$type<"queued" | "active" | "done" | "failed" | "dead">().notNull(),
  /** The job of the queue that is to do it, or did. */
  job: uuid("job"),
  /** How often a worker took it up. */
  tries: integer("tries").notNull(),
  /** Who has it or had it last. */
  worker: text("worker"),
  queuedAt: instant("queued_at").notNull(),
  changedAt: instant("changed_at").notNull(),
  outcome: text("outcome"),
  analysis: uuid("analysis"),
  stage: text("stage"),
  reason: hostile("reason"),
});

export const batches = assay.table("batches", {
  id: uuid("id").primaryKey(),
  kind: text("kind").$type<"upload" | "rescan">().notNull(),
  filter: jsonb("filter").$type<Filter>(),
  createdAt: instant("created_at").notNull(),
  /** False while a rescan is still looking for its samples. */
  complete: boolean("complete").notNull(),
  /** Submissions, and events: the numbers of the last of each. */
  total: integer("total").notNull(),
  events: integer("events").notNull(),
});

export const submissions = assay.table(
  "submissions",
  {
    batch: uuid("batch").notNull(),
    /** From 1. */
    n: integer("n").notNull(),
    task: uuid("task").notNull(),
    nameKey: uuid("name_key").notNull(),
    name: hostile("name").notNull(),
    /** Of a rescan: the result that stood. */
    before: uuid("before"),
  },
  (t) => [primaryKey({ columns: [t.batch, t.n] })],
);

/** Numbered without gaps in the order of their commits, so that nobody who asks for what is new misses one. */
export const batchEvents = assay.table(
  "batch_events",
  {
    batch: uuid("batch").notNull(),
    n: integer("n").notNull(),
    task: uuid("task").notNull(),
    state: text("state").$type<"queued" | "active" | "done" | "failed" | "dead">().notNull(),
    outcome: text("outcome"),
    stage: text("stage"),
    reason: hostile("reason"),
    at: instant("at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.batch, t.n] })],
);
