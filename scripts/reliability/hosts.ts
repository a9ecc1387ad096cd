/** Hosts that run one worker each: network namespaces on a bridge of their own, or plain processes. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** A private network for the trial; the server has its first address. */
export const NETWORK = "10.77.0.0/24";
export const SERVER_ADDRESS = "10.77.0.1";
const BRIDGE = "assay-br";
const END_MS = 60_000;

export interface Host {
  start(command: readonly string[], environment: NodeJS.ProcessEnv): void;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** Neither sees the other for so long. */
  cutOff(ms: number): Promise<void>;
  /** Until its worker is at work, so that it hears a signal. */
  settle(): Promise<void>;
  /** SIGTERM; the exit status, undefined when it did not end in time. */
  end(): Promise<number | undefined>;
  remove(): void;
}

export function makeHosts(count: number, namespaces: boolean): readonly Host[] {
  if (!namespaces) return Array.from({ length: count }, () => new Process());
  // What a trial left that was killed itself: no others can be at work here.
  for (let i = 0; i < count; i++) {
    spawnSync("ip", ["netns", "del", nameOf(i)]);
    spawnSync("ip", ["link", "del", linkOf(i)]);
  }
  spawnSync("ip", ["link", "del", BRIDGE]);
  ip("link", "add", BRIDGE, "type", "bridge");
  ip("addr", "add", `${SERVER_ADDRESS}/24`, "dev", BRIDGE);
  ip("link", "set", BRIDGE, "up");
  return Array.from({ length: count }, (_, i) => new Namespace(i));
}

const nameOf = (host: number) => `assay-h${host}`;
const linkOf = (host: number) => `assay-v${host}`;

class Process implements Host {
  #child: ChildProcess | undefined;
  #atWork = Promise.resolve();

  protected prefix(): readonly string[] {
    return [];
  }

  start(command: readonly string[], environment: NodeJS.ProcessEnv): void {
    const [program = "", ...args] = [...this.prefix(), ...command];
    const child = spawn(program, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    this.#atWork = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.stderr.on("data", (text: Buffer) => {
        if (text.includes("is at work")) resolve();
        else if (process.env.ASSAY_TRIAL_LOG) process.stderr.write(text);
      });
    });
  }

  async kill(): Promise<void> {
    await this.#signal("SIGKILL");
  }

  async cutOff(ms: number): Promise<void> {
    const child = this.#child;
    child?.kill("SIGSTOP");
    await sleep(ms);
    child?.kill("SIGCONT");
  }

  async settle(): Promise<void> {
    await this.#atWork;
  }

  async end(): Promise<number | undefined> {
    return this.#signal("SIGTERM");
  }

  remove(): void {
    this.#child?.kill("SIGKILL");
  }

  async #signal(signal: NodeJS.Signals): Promise<number | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? undefined;
    const gone = new Promise<number | undefined>((resolve) =>
      child.once("exit", (code) => resolve(code ?? undefined)),
    );
    child.kill(signal);
    return Promise.race([gone, sleep(END_MS, undefined, { ref: false })]);
  }
}

class Namespace extends Process {
  readonly #name: string;
  readonly #link: string;

  constructor(i: number) {
    super();
    this.#name = nameOf(i);
    this.#link = linkOf(i);
    ip("netns", "add", this.#name);
    ip("link", "add", this.#link, "type", "veth", "peer", "name", "eth0", "netns", this.#name);
    ip("link", "set", this.#link, "master", BRIDGE);
    ip("link", "set", this.#link, "up");
    ip("-n", this.#name, "addr", "add", `10.77.0.${10 + i}/24`, "dev", "eth0");
    ip("-n", this.#name, "link", "set", "eth0", "up");
    ip("-n", this.#name, "link", "set", "lo", "up");
  }

  protected override prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  override async cutOff(ms: number): Promise<void> {
    ip("link", "set", this.#link, "down");
    await sleep(ms);
    ip("link", "set", this.#link, "up");
  }

  override remove(): void {
    super.remove();
    ip("netns", "del", this.#name);
    // The bridge goes with the last; deleting what is gone is no matter.
    spawnSync("ip", ["link", "del", this.#link]);
    if (this.#name === nameOf(0)) spawnSync("ip", ["link", "del", BRIDGE]);
  }
}

function ip(...args: readonly string[]): void {
  const done = spawnSync("ip", [...args], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`ip ${args.join(" ")}: ${done.stderr.trim()}`);
}
