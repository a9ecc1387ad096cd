/**
 * Adding objects to a collection of a TAXII 2.1 server (OASIS, 5.5): envelopes no longer than the API root takes, each
 * followed by its status resource until nothing is pending. The address is the collection's own.
 */
import { ok } from "@assay/core/bytes/index";
import type { StixObject } from "@assay/core/export/stix/object";
import { integerOf, listOf, objectOf, textOf } from "../../sandboxes/json-value.ts";
import { type Answer, problem } from "../../sandboxes/sandbox.ts";
import {
  type Cargo,
  MAX_ANSWER,
  MAX_REFUSALS,
  type Pushed,
  type Refusal,
  type StixBundleBody,
  type Tools,
} from "./target.ts";

const TAXII_TYPE = "application/taxii+json;version=2.1";
/** Objects of one envelope, and its bytes where the root does not say. */
const MAX_OBJECTS = 500;
const DEFAULT_BYTES = 1024 * 1024;
/** How often a status is asked for, and how long between. */
const MAX_POLLS = 120;
const POLL_MS = 2_000;

/** `…/collections/ID/`, as a base of paths; undefined for any other address. */
export function isCollection(url: URL): boolean {
  return /\/collections\/[^/]+\/$/.test(url.pathname);
}

export async function pushToTaxii(tools: Tools, cargo: Cargo): Promise<Answer<Pushed>> {
  const { http, onProgress } = tools;
  const { objects } = cargo.value as StixBundleBody;
  const collection = await http.json({ path: ".", accept: TAXII_TYPE, cap: MAX_ANSWER });
  if (!collection.ok) return collection;
  if (objectOf(collection.value.body).can_write !== true)
    return problem("not-allowed", "the collection does not let this token write");
  const root = await http.json({ path: "../../", accept: TAXII_TYPE, cap: MAX_ANSWER });
  if (!root.ok) return root;
  const limit = integerOf(objectOf(root.value.body).max_content_length) ?? DEFAULT_BYTES;
  const refused: Refusal[] = [];
  let sent = 0;
  for (const { text, count, tooLarge } of envelopes(objects, limit)) {
    refused.push(
      ...tooLarge.map((id) => ({ what: id, why: `larger than the ${limit} bytes that the server takes` })),
    );
    if (count === 0) continue;
    const status = await add(tools, text);
    if (!status.ok)
      return sent === 0
        ? status
        : problem(status.error.code, `${status.error.text} (${sent} objects were sent before)`);
    sent += count;
    refused.push(...status.value);
    onProgress?.(`${sent} of ${objects.length} objects sent`);
  }
  return ok({ outcome: "objects added", sent, refused: refused.slice(0, MAX_REFUSALS) });
}

interface Envelope {
  readonly text: string;
  readonly count: number;
  /** Objects that fit into no envelope. */
  readonly tooLarge: readonly string[];
}

function* envelopes(objects: readonly StixObject[], limit: number): Generator<Envelope> {
  const around = '{"objects":[]}'.length;
  let texts: string[] = [];
  let size = around;
  let tooLarge: string[] = [];
  const flush = (): Envelope => {
    const envelope = { text: `{"objects":[${texts.join(",")}]}`, count: texts.length, tooLarge };
    [texts, size, tooLarge] = [[], around, []];
    return envelope;
  };
  for (const object of objects) {
    const text = JSON.stringify(object);
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes + around > limit) {
      tooLarge.push(object.id);
      continue;
    }
    if (texts.length >= MAX_OBJECTS || size + bytes > limit) yield flush();
    texts.push(text);
    size += bytes;
  }
  yield flush();
}

/** Its failures. What a server still works on after minutes is no failure, and is told as pending. */
async function add({ http }: Tools, text: string): Promise<Answer<Refusal[]>> {
  const answer = await http.json({
    ...{ method: "POST", path: "objects/", accept: TAXII_TYPE, cap: MAX_ANSWER },
    body: { type: TAXII_TYPE, bytes: new TextEncoder().encode(text) },
  });
  if (!answer.ok) return answer;
  let status = objectOf(answer.value.body);
  for (let polls = 0; textOf(status.status) === "pending" && polls < MAX_POLLS; polls++) {
    const id = textOf(status.id);
    if (id === undefined || !/^[\w-]{1,128}$/.test(id)) break;
    if (!(await http.sleep(POLL_MS))) return problem("stopped", "stopped");
    const again = await http.json({ path: `../../status/${id}/`, accept: TAXII_TYPE, cap: MAX_ANSWER });
    if (!again.ok) return again;
    status = objectOf(again.value.body);
  }
  const failures = listOf(status.failures).map(objectOf);
  const told = failures.map((one) => ({
    what: textOf(one.id) ?? "an object",
    why: http.clean(textOf(one.message) ?? "no reason given"),
  }));
  const more = (integerOf(status.failure_count) ?? told.length) - told.length;
  if (more > 0) told.push({ what: `${more} further objects`, why: "refused without being named" });
  const pending = integerOf(status.pending_count) ?? 0;
  if (textOf(status.status) === "pending" && pending > 0)
    told.push({ what: `${pending} objects`, why: "still pending: ask the server later" });
  return ok(told);
}
