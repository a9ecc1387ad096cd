/**
 * MISP's REST API (app/Controller/EventsController.php; PyMISP, pymisp/api.py): `POST events/add` for an event that is
 * not there, `POST events/edit/UUID` for one that is. All uuids follow from what they stand for, so that a second push
 * meets the first. The key stands in `Authorization` by itself.
 */
import { ok } from "@assay/core/bytes/index";
import { isObject, listOf, objectOf, textOf } from "../../sandboxes/json-value.ts";
import { type Answer, problem } from "../../sandboxes/sandbox.ts";
import { type Cargo, MAX_ANSWER, MAX_REFUSALS, type Pushed, type Refusal, type Tools } from "./target.ts";

const JSON_TYPE = "application/json";
/** What MISP says to an event that has not changed since, and to one whose uuid it has. */
const UNCHANGED = /not newer than the local copy/i;
const EXISTS = /already exists/i;

export async function pushToMisp({ http, onProgress }: Tools, cargo: Cargo): Promise<Answer<Pushed>> {
  const event = objectOf(objectOf(cargo.value).Event);
  const uuid = textOf(event.uuid) ?? "";
  const known = await http.send({
    path: `events/view/${uuid}`,
    accept: JSON_TYPE,
    cap: MAX_ANSWER,
    expect: [403, 404],
  });
  if (!known.ok) return known;
  const there = known.value.status === 200;
  if (known.value.status === 403)
    return problem("not-allowed", `this key may not see events: ${http.said(known.value)}`);
  onProgress?.(there ? `event ${uuid} is there: editing it` : `event ${uuid} is new`);
  const first = await send(`events/${there ? `edit/${uuid}` : "add"}`);
  if (!first.ok) return first;
  // It was made between the question and the answer, or the first attempt was heard after all.
  if (first.value.said.match(EXISTS) && !there) {
    const second = await send(`events/edit/${uuid}`);
    return second.ok ? judge(second.value, true) : second;
  }
  return judge(first.value, there);

  async function send(path: string): Promise<Answer<Answered>> {
    const answer = await http.send({
      ...{ method: "POST", path, accept: JSON_TYPE, cap: MAX_ANSWER, expect: [400, 403, 404, 405] },
      body: { type: JSON_TYPE, bytes: new TextEncoder().encode(cargo.body) },
    });
    if (!answer.ok) return answer;
    const { status, body } = answer.value;
    const text = new TextDecoder().decode(body);
    const json = parsed(text);
    return ok({ status, json, said: http.clean(wordsOf(json)) });
  }

  function judge({ status, json, said }: Answered, edited: boolean): Answer<Pushed> {
    const sent = idsOf(event);
    if (edited && UNCHANGED.test(said))
      return ok({ outcome: "event unchanged", sent: sent.size, refused: [] });
    if (status !== 200) return problem("refused", `MISP: ${status}: ${said || "no reason given"}`);
    const back = objectOf(objectOf(json).Event);
    if (textOf(back.uuid)?.toLowerCase() !== uuid)
      return problem("unexpected-answer", `MISP answered without the event: ${said || "nothing"}`);
    const there = idsOf(back);
    const refused = [...sent].flatMap(([id, what]): Refusal[] =>
      there.has(id)
        ? []
        : [{ what: `${what} (${id})`, why: said === "" ? "not in the event that MISP sent back" : said }],
    );
    return ok({
      outcome: edited ? "event edited" : "event created",
      sent: sent.size,
      refused: refused.slice(0, MAX_REFUSALS),
    });
  }
}

interface Answered {
  readonly status: number;
  readonly json: unknown;
  readonly said: string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of `{saved, name, message, url, errors}`: `errors` is a text, or lists under the fields' names. */
function wordsOf(json: unknown): string {
  const { message, errors, name } = objectOf(json);
  const said = [textOf(message) ?? textOf(name)];
  if (typeof errors === "string") said.push(errors);
  else if (isObject(errors) || Array.isArray(errors)) said.push(JSON.stringify(errors));
  return [...new Set(said.filter((one) => one !== undefined))].join(": ");
}

/** Objects and attributes by uuid, with what each is. */
function idsOf(event: Readonly<Record<string, unknown>>): Map<string, string> {
  const ids = new Map<string, string>();
  const take = (owner: unknown, name: string): void => {
    for (const attribute of listOf(objectOf(owner).Attribute).map(objectOf)) {
      const uuid = textOf(attribute.uuid);
      if (uuid !== undefined)
        ids.set(
          uuid.toLowerCase(),
          `${name}${textOf(attribute.type) ?? "attribute"} ${textOf(attribute.value)?.slice(0, 80) ?? ""}`,
        );
    }
  };
  take(event, "");
  for (const object of listOf(event.Object).map(objectOf)) {
    const uuid = textOf(object.uuid);
    const name = textOf(object.name) ?? "object";
    if (uuid !== undefined) ids.set(uuid.toLowerCase(), name);
    take(object, `${name}: `);
  }
  return ids;
}
