/**
 * OpenCTI's GraphQL API (OpenCTI-Platform/client-python, pycti/api/opencti_api_client.py): `uploadImport` takes the
 * bundle as a file, by the GraphQL multipart request specification; with a connector's id, `stixBundlePush` puts it
 * into that connector's queue. Both make or update what the STIX ids name. Errors come with status 200.
 */
import { ok } from "@assay/core/bytes/index";
import { listOf, objectOf, textOf } from "../../sandboxes/json-value.ts";
import { type Answer, problem } from "../../sandboxes/sandbox.ts";
import { type Cargo, MAX_ANSWER, type Pushed, type StixBundleBody, type Tools } from "./target.ts";

const UPLOAD = `mutation UploadImport($file: Upload!, $fileMarkings: [String]) {
  uploadImport(file: $file, fileMarkings: $fileMarkings) { id name }
}`;
const PUSH = `mutation StixBundlePush($connectorId: String!, $bundle: String!, $work_id: String) {
  stixBundlePush(connectorId: $connectorId, bundle: $bundle, work_id: $work_id)
}`;

export function pushToOpenCti(connector: string | undefined) {
  return async ({ http }: Tools, cargo: Cargo): Promise<Answer<Pushed>> => {
    const { id, objects } = cargo.value as StixBundleBody;
    const answer = await http.json({
      ...{ method: "POST", path: "graphql", accept: "application/json", cap: MAX_ANSWER, expect: [400] },
      body: connector === undefined ? upload(`assay-${id}.json`, cargo.body) : queued(connector, cargo.body),
    });
    if (!answer.ok) return answer;
    const { data, errors } = objectOf(answer.value.body);
    const [error] = listOf(errors).map(objectOf);
    if (error !== undefined) return refused(error, (text) => http.clean(text));
    const given = objectOf(data);
    if (connector !== undefined) {
      if (given.stixBundlePush !== true)
        return problem("unexpected-answer", "OpenCTI did not say that it queued the bundle");
      return ok({ outcome: `bundle queued for connector ${connector}`, sent: objects.length, refused: [] });
    }
    const file = textOf(objectOf(given.uploadImport).id);
    if (file === undefined)
      return problem("unexpected-answer", "OpenCTI did not say under which id it has the file");
    return ok({
      outcome: `file uploaded for import as ${http.clean(file)}`,
      sent: objects.length,
      refused: [],
    });
  };
}

/** `operations`, `map`, then the file. */
function upload(name: string, body: string): FormData {
  const form = new FormData();
  form.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
  form.set("map", JSON.stringify({ "0": ["variables.file"] }));
  form.set("0", new Blob([body], { type: "application/json" }), name);
  return form;
}

function queued(connectorId: string, bundle: string) {
  const text = JSON.stringify({ query: PUSH, variables: { connectorId, bundle, work_id: null } });
  return { type: "application/json", bytes: new TextEncoder().encode(text) };
}

function refused(error: Readonly<Record<string, unknown>>, clean: (text: string) => string): Answer<never> {
  const name = textOf(error.name) ?? textOf(objectOf(error.extensions).code) ?? "";
  const text = [name, textOf(error.message) ?? ""].filter((part) => part !== "").join(": ");
  if (/AUTH_REQUIRED|AuthRequired|UNAUTHENTICATED/i.test(name))
    return problem("token-refused", `OpenCTI: ${clean(text)}; check --token`);
  if (/FORBIDDEN|ForbiddenAccess/i.test(name))
    return problem("not-allowed", `OpenCTI: ${clean(text)}; may this token do that?`);
  return problem("refused", `OpenCTI: ${clean(text)}`);
}
