// Brings the tickets up to date when there is network, while somebody looks at them. Thousands of phones are lit in a
// queue: they ask seldom, each at a time of its own; whoever waits for an answer to an offer asks sooner.

import { measure } from "./clock.js";
import { GONE, shownTickets, sync } from "./wallet.js";

const SELDOM_MS = 300_000,
  SOON_MS = 20_000,
  PAUSE_MS = 15_000;
let last = -Infinity,
  timer = 0,
  changed = () => {};

// Begin; `tell` is called when the ledger says something else than the page.
export function keepFresh(tell) {
  changed = tell;
  globalThis.addEventListener("online", () => ((last = -Infinity), refresh()));
  document.addEventListener("visibilitychange", refresh);
  refresh();
}

export async function refresh() {
  if (document.visibilityState === "hidden") return;
  if (performance.now() - last < PAUSE_MS) return again(PAUSE_MS);
  last = performance.now();
  await measure().catch(() => {});
  const before = (await shownTickets()).filter((ticket) => ticket.state !== GONE);
  const after = [];
  for (const ticket of before) after.push(await sync(ticket).catch(() => ticket));
  if (told(before) !== told(after)) changed();
  again(after.some((ticket) => ticket.seen.deal) ? SOON_MS : SELDOM_MS * (0.75 + Math.random() / 2));
}

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

// What of these tickets is worth drawing the page anew for.
export const told = (tickets) =>
  JSON.stringify(
    tickets.map(({ state, seen }) => [state, { ...seen, time_ms: 0, certificate: "", ledger_signature: "" }]),
  );
