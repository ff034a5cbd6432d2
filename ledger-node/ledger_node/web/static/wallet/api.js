// The node's API, by fetch. A refusal is a Problem with its stable code. So is no answer: "offline" if the phone has no
// network, "away" if it has one and the node, or what stands before it, does not answer as it should.

export class Problem extends Error {
  constructor(code, detail = "", status = 0) {
    super(detail || code);
    this.code = code;
    this.detail = detail;
    this.status = status;
  }
}

// "here", "away" or "offline": how the newest question went. `reach` tells of changes.
export const reach = Object.assign(new EventTarget(), { state: "here" });

function reached(state) {
  if (reach.state === state) return;
  reach.state = state;
  reach.dispatchEvent(new Event("change"));
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
  const answer = await fetch(path, init).catch(() => null);
  // A sign-in page of a Wi-Fi and a proxy's error page are no JSON.
  const value = await answer?.json().catch(() => null);
  if (!answer || value === null || typeof value !== "object") throw lost(answer?.status);
  reached("here");
  if (!answer.ok) throw new Problem(value.code ?? (answer.status < 500 ? "other" : "away"), value.detail, answer.status);
  return value;
}

function lost(status = 0) {
  const state = navigator.onLine ? "away" : "offline";
  reached(state);
  return new Problem(state, "", status);
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
export const provider = () => ask("GET", "/v1/provider");
export const boxOffice = () => ask("GET", "/v1/box-office");
export const identify = (id, json) => ask("POST", ofEvent(id, "/identities"), { json });

// Deals: `kind` is "transfers" or "listings"; `act` takes the signed entry of an accept, buy, reject, cancel or unlist.
export const offer = (id, json) => ask("POST", ofEvent(id, "/transfers"), { json });
export const list = (id, entry) => ask("POST", ofEvent(id, "/listings"), { entry });
export const deal = (id, kind, which) => ask("GET", ofEvent(id, `/${kind}/${which}`));
export const checkout = (id, kind, which, json) => ask("POST", ofEvent(id, `/${kind}/${which}/checkout`), { json });
export const act = (id, kind, which, what, entry) => ask("POST", ofEvent(id, `/${kind}/${which}/${what}`), { entry });
