// The tickets of this phone: what is kept of each, brought up to date when there is network.

import { Problem, holding } from "./api.js";
import { hex } from "./bytes.js";
import { now } from "./clock.js";
import { allTickets, changeTicket, ticketId } from "./store.js";

// "asked": its key may be on the ledger or not; "held": it is; "gone": somebody else's is.
export const ASKED = "asked",
  HELD = "held",
  GONE = "gone";

export const newTicket = (event, place, key, from) => ({
  id: ticketId(event, place.ticket, place.owner_seq),
  event,
  ticket: place.ticket,
  owner_seq: place.owner_seq,
  key,
  from,
  state: ASKED,
  since: 0,
  synced: 0,
  seen: null,
});

export async function shownTickets() {
  const shown = (await allTickets()).filter((ticket) => ticket.state !== ASKED && ticket.seen);
  return shown.sort((one, other) => one.seen.event.starts - other.seen.event.starts || one.ticket - other.ticket);
}

// The ticket as the node knows it by now; kept. Throws a Problem when there is no answer.
export async function sync(ticket) {
  try {
    const seen = await holding(ticket.event, ticket.ticket, hex(ticket.key.public));
    if (seen.certificate === null && ticket.seen) Object.assign(seen, signed(ticket.seen));
    return await changed(ticket, { seen, state: HELD, since: ticket.since || now() });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "not-yours" || ticket.state === ASKED) throw error;
    return changed(ticket, { state: GONE });
  }
}

async function changed(ticket, changes) {
  const whole = { ...changes, synced: now() };
  const kept = await changeTicket(ticket.id, whole);
  return { ...(kept ?? ticket), ...whole };
}

const signed = ({ certificate, ledger_signature }) => ({ certificate, ledger_signature });

// One word for the list: what matters most about the ticket.
export function standing({ state, seen }) {
  if (state === GONE) return "gone";
  if (seen.state !== "active") return seen.state;
  if (seen.entered) return "entered";
  if (seen.deal) return seen.deal.kind === "resale" ? "listed" : "offered";
  return "active";
}

export const gateOf = ({ seen }) => groupOf(seen.event, seen.gate_group);

export const groupOf = (event, number) => event.gate_groups.find((group) => group.number === number) ?? null;
