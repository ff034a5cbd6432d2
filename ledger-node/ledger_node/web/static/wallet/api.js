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
  const init = { method, headers: {}, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) };
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
export const historyPath = (id, ticket) => ofEvent(id, `/tickets/${ticket}/history`);
