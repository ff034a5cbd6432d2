// The node's API, by fetch. A refusal is a Problem with its stable code; no network is one, too ("offline").

export class Problem extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
    this.detail = detail;
  }
}

const PATIENCE_MS = 20_000;

export async function ask(method, path, { json, entry, token } = {}) {
  const init = {
    method,
    headers: {},
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.timeout(PATIENCE_MS),
  };
  if (token) init.headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(json);
  }
  if (entry !== undefined) {
    init.headers["Content-Type"] = "application/cbor";
    init.body = entry;
  }
  const answer = await fetch(path, init).catch(() => {
    throw new Problem("offline");
  });
  const value = await answer.json().catch(() => ({ code: answer.ok ? "other" : "offline" }));
  if (!answer.ok) throw new Problem(value.code ?? "other", value.detail);
  return value;
}

const ofEvent = (event, path = "") => `/v1/events/${encodeURIComponent(event)}${path}`;

export const time = () => ask("GET", "/v1/time");
export const event = (id) => ask("GET", ofEvent(id));
export const look = (token) => ask("GET", "/v1/activation", { token });
export const activate = (token, answer, keys) => ask("POST", "/v1/activation", { token, json: { answer, keys } });
export const holding = (id, ticket, holder_key) =>
  ask("POST", ofEvent(id, `/tickets/${ticket}/holder`), { json: { holder_key } });
export const ticketFacts = (id, ticket) => ask("GET", ofEvent(id, `/tickets/${ticket}`));
export const history = (id, ticket, from) => ask("GET", ofEvent(id, `/tickets/${ticket}/history?from=${from}`));
export const seat = async (id, ticket) => (await ask("GET", ofEvent(id, `/seats?from=${ticket}&count=1`)))[0];
export const policies = (id) => ask("GET", ofEvent(id, "/policy"));
export const provider = () => ask("GET", "/v1/provider");
export const identify = (id, json) => ask("POST", ofEvent(id, "/identities"), { json });

// Deals: `kind` is "transfers" or "listings"; `act` takes the signed entry of an accept, buy, reject, cancel or unlist.
export const offer = (id, json) => ask("POST", ofEvent(id, "/transfers"), { json });
export const list = (id, entry) => ask("POST", ofEvent(id, "/listings"), { entry });
export const deal = (id, kind, which) => ask("GET", ofEvent(id, `/${kind}/${which}`));
export const checkout = (id, kind, which, json) => ask("POST", ofEvent(id, `/${kind}/${which}/checkout`), { json });
export const act = (id, kind, which, what, entry) => ask("POST", ofEvent(id, `/${kind}/${which}/${what}`), { entry });
