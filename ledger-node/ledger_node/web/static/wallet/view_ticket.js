// One ticket at the gate: the code, its seat, what the gate needs to see. It needs no network.

import { beaconOf } from "./beacon.js";
import { clockTime, day, hour, inLanguage, t } from "./language.js";
import { SMALL_MS, ahead } from "./clock.js";
import { Code } from "./code.js";
import { h, put } from "./dom.js";
import { chip, instead, notice } from "./parts.js";
import { dropTicket } from "./store.js";
import { GONE, gateOf, standing } from "./wallet.js";

const RE_ENTRY = 2,
  IDENTITY = 1;

export async function viewTicket(ticket, go) {
  const beacon = await beaconOf(ticket);
  const code = new Code(ticket, beacon);
  const stage = h("div", { class: "stage" });
  const open = !closed(ticket);
  put(stage, open ? code.element : told(ticket));
  if (open) code.start();
  const { event } = ticket.seen;
  const element = h(
    "div",
    { class: "page at-gate", data: { ticket: ticket.id, standing: standing(ticket) } },
    h("div", { class: "row" }, h("h1", {}, event.name), chip(standing(ticket))),
    h(
      "p",
      { class: "hint when" },
      h("span", {}, day(event.starts, event.zone)),
      h("span", {}, `${t("doors")} ${hour(event.doors, event.zone)}`),
      h("span", {}, `${t("starts")} ${hour(event.starts, event.zone)}`),
    ),
    stage,
    place(ticket),
    open && hints(ticket, beacon),
    open && code.kinds,
    h("p", { class: "hint synced" }, t("updated", { time: clockTime(ticket.synced, event.zone) })),
    after(ticket, go),
  );
  return { element, stop: () => code.stop() };
}

// Nothing to show at a gate. An admission that came to nothing is released by the ledger, and the code is back.
function closed({ state, seen }) {
  return state === GONE || seen.state !== "active" || (seen.entered !== null && !(seen.flags & RE_ENTRY));
}

function told(ticket) {
  const word = standing(ticket);
  const { entered, event } = ticket.seen;
  const said =
    word === "entered"
      ? t("about_entered", { gate: entered.gate, time: clockTime(entered.time_ms, event.zone) })
      : t(`about_${word}`);
  return [
    notice(said, word === "entered" ? "good" : "bad"),
    word === "entered" && h("p", { class: "hint not-through" }, t(navigator.onLine ? "not_through" : "not_through_offline")),
    ["cancelled", "refunded", "blocked"].includes(word) && instead(ticket),
  ];
}

function place(ticket) {
  const { seat, category } = ticket.seen;
  const group = gateOf(ticket);
  const name = group ? inLanguage(group.name_zh, group.name_en) : t("any_gate");
  const fact = (label, value, more) =>
    h("div", {}, h("dt", {}, label), h("dd", {}, value, more && h("small", {}, more)));
  return h(
    "dl",
    { class: "place" },
    fact(t("gate"), name, group && group.gates.join(" ")),
    fact(t("seat"), seat),
    fact(t("category"), category),
  );
}

function hints(ticket, beacon) {
  const off = Math.round(ahead() / 1000);
  return h(
    "ul",
    { class: "hints" },
    ticket.seen.event.beacon_required &&
      h(
        "li",
        { class: beacon ? "" : "clock", id: "beacon" },
        beacon ? t("beacon_read", { time: clockTime(beacon.at, ticket.seen.event.zone) }) : t("beacon_needed"),
      ),
    h("li", { class: "strong" }, t("no_screenshot")),
    h("li", {}, t("brightness")),
    (ticket.seen.flags & IDENTITY) > 0 && h("li", {}, t("identity")),
    Math.abs(ahead()) > SMALL_MS && h("li", { class: "clock" }, t("clock_off", { n: Math.abs(off) })),
    h("li", {}, t("works_offline")),
  );
}

function after(ticket, go) {
  if (ticket.state === GONE) {
    const remove = async () => (await dropTicket(ticket.id), go("#/", { replace: true }));
    return h("button", { class: "quiet", onclick: remove }, t("remove"));
  }
  const movable = ticket.seen.state === "active" && !ticket.seen.entered;
  return h(
    "p",
    { class: "links" },
    movable &&
      h(
        "a",
        { class: "button", id: "pass", href: `#/pass/${ticket.id}` },
        t(ticket.seen.deal ? "see_deal" : "pass_on"),
      ),
    h("a", { class: "button", id: "history", href: `#/history/${ticket.event}/${ticket.ticket}` }, t("history")),
  );
}
