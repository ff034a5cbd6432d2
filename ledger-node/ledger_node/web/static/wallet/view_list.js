// All tickets of this phone.

import { h } from "./dom.js";
import { day, hour, t } from "./language.js";
import { chip, notice } from "./parts.js";
import { standing } from "./wallet.js";

export function viewList(tickets) {
  const cards = tickets.map((ticket) => h("li", {}, card(ticket)));
  const none = [notice(t("no_tickets")), h("p", { class: "hint" }, t("how_to_begin"))];
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", {}, t("my_tickets")),
      cards.length ? h("ul", { class: "tickets" }, cards) : none,
    ),
  };
}

function card(ticket) {
  const { event, seat } = ticket.seen;
  return h(
    "a",
    { class: "card ticket", href: `#/ticket/${ticket.id}`, data: { standing: standing(ticket) } },
    h("span", { class: "row" }, h("strong", {}, event.name), chip(standing(ticket))),
    h("span", { class: "hint" }, `${day(event.starts, event.zone)}　${hour(event.starts, event.zone)}`),
    h("span", { class: "row" }, h("span", { class: "hint" }, t("seat")), h("span", { class: "number" }, seat)),
  );
}
