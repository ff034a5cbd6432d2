// Hears at once that a ticket has changed, e.g. that it has entered: the node says which one, and the ticket is brought up
// to date. Only around the event and while somebody looks, because in a queue thousands of phones are lit: each holds one
// quiet connection (server-sent events), which costs the node less than being asked.

import { now } from "./clock.js";
import { told } from "./refresh.js";
import { getTicket } from "./store.js";
import { HELD, shownTickets, sync } from "./wallet.js";

const BEFORE_MS = 3 * 3_600_000,
  AFTER_MS = 12 * 3_600_000,
  LOOK_MS = 60_000,
  AGAIN_MS = 10_000;
let streams = new Map(),
  changed = () => {};

export function listen(tell) {
  changed = tell;
  document.addEventListener("visibilitychange", settle);
  globalThis.addEventListener("online", settle);
  setInterval(settle, LOOK_MS);
  settle();
}

// As many streams as there are events on now; none of a page that nobody looks at.
export async function settle() {
  const wanted = document.visibilityState === "hidden" ? new Map() : byEvent(await shownTickets().catch(() => []));
  for (const [path, stream] of streams) if (!wanted.has(path)) (stream.close(), streams.delete(path));
  for (const [path, tickets] of wanted) if (!streams.has(path)) streams.set(path, open(path, tickets));
}

function byEvent(tickets) {
  const due = tickets.filter(({ state, seen }) => state === HELD && isOn(seen.event));
  const events = grouped(due);
  return new Map([...events].map(([event, held]) => [pathOf(event, held), held]));
}

function grouped(tickets) {
  const groups = new Map();
  for (const one of tickets) groups.set(one.event, [...(groups.get(one.event) ?? []), one]);
  return groups;
}

const isOn = ({ doors, starts }) => now() > doors * 1000 - BEFORE_MS && now() < starts * 1000 + AFTER_MS;

const pathOf = (event, held) =>
  `/v1/events/${encodeURIComponent(event)}/live?tickets=${held.map((one) => one.ticket).join(",")}`;

function open(path, held) {
  const stream = new EventSource(path);
  stream.addEventListener("ticket", ({ data }) => bring(held.find((one) => one.ticket === Number(data))));
  // What changed while nobody listened.
  stream.addEventListener("open", () => {
    document.body.dataset.live = "yes";
    held.forEach(bring);
  });
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    streams.delete(path);
    setTimeout(settle, AGAIN_MS * (0.5 + Math.random()));
  });
  return stream;
}

async function bring(ticket) {
  const before = ticket && (await getTicket(ticket.id));
  const after = before && (await sync(before).catch(() => null));
  if (after && told([before]) !== told([after])) changed();
}
