/** Numbers for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Queue } from "../jobs/queue.ts";
import type { App } from "./context.ts";

const SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 60];

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #seconds: Histogram<"method" | "route">;
  readonly #bytes: Counter;
  readonly #samples: Counter;
  readonly #sampleBytes: Counter;
  readonly #listeners: Gauge;
  readonly #fetched: Counter<"action">;
  readonly #depth: Readonly<Record<"queued" | "active" | "dead" | "oldestSeconds" | "workers", Gauge>>;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const route = ["method", "route"] as const;
    this.#requests = new Counter({
      ...{ name: "assay_http_requests_total", help: "Requests answered", registers },
      labelNames: [...route, "status"],
    });
    this.#seconds = new Histogram({
      ...{ name: "assay_http_request_seconds", help: "Time to the answer's end", registers },
      labelNames: [...route],
      buckets: SECONDS,
    });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.#bytes = counter("assay_upload_received_bytes_total", "Bytes of uploads, refused ones too");
    this.#samples = counter("assay_upload_samples_total", "Files accepted");
    this.#sampleBytes = counter("assay_upload_sample_bytes_total", "Bytes of files accepted");
    this.#fetched = new Counter({
      ...{ name: "assay_samples_fetched_total", help: "Samples downloaded or looked into", registers },
      labelNames: ["action"],
    });
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    this.#listeners = gauge("assay_event_listeners", "Clients that listen to events");
    this.#depth = {
      queued: gauge("assay_queue_queued", "Jobs that wait"),
      active: gauge("assay_queue_active", "Jobs under way"),
      dead: gauge("assay_queue_dead", "Dead letters"),
      oldestSeconds: gauge("assay_queue_oldest_seconds", "Age of the oldest job that waits"),
      workers: gauge("assay_queue_workers", "Workers that were heard from lately"),
    };
  }

  watch(app: App): void {
    app.addHook("onResponse", async (request, reply) => {
      // The pattern, never the address: strangers must not make labels.
      const route = request.routeOptions.url ?? "none";
      const { method } = request;
      this.#requests.inc({ method, route, status: String(reply.statusCode) });
      this.#seconds.observe({ method, route }, reply.elapsedTime / 1000);
    });
  }

  received(bytes: number): void {
    this.#bytes.inc(bytes);
  }

  uploaded(bytes: number): void {
    this.#samples.inc();
    this.#sampleBytes.inc(bytes);
  }

  fetched(action: "cart" | "bytes"): void {
    this.#fetched.inc({ action });
  }

  listening(by: 1 | -1): void {
    this.#listeners.inc(by);
  }

  async text(queue: Queue): Promise<string> {
    const depth = await queue.depth();
    this.#depth.queued.set(depth.queued);
    this.#depth.active.set(depth.active);
    this.#depth.dead.set(depth.dead);
    this.#depth.oldestSeconds.set(depth.oldestSeconds);
    this.#depth.workers.set(depth.workers);
    return this.registry.metrics();
  }

  close(): void {
    this.registry.clear();
  }
}
