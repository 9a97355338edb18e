import { token } from "./token.js";

// Problem is a failure in a sentence, with the code of the API or NETWORK, and with whatever data came along.
export class Problem extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export function problemOf(errors, data) {
  return new Problem(errors[0].extensions?.code, errors.map((e) => e.message).join(" "), data);
}

export async function ask(query, variables) {
  let response, body;
  try {
    response = await fetch("graphql", {
      method: "POST",
      headers: { authorization: "Bearer " + token(), "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(30_000),
    });
  } catch {
    throw new Problem("NETWORK", "The service can't be reached.");
  }
  if (response.status === 401) throw new Problem("UNAUTHENTICATED", "The token was not accepted.");
  try {
    body = await response.json();
  } catch {
    throw new Problem("NETWORK", `The service gave no usable answer (HTTP ${response.status}).`);
  }
  if (body.errors?.length) throw problemOf(body.errors, body.data);
  return body.data;
}
