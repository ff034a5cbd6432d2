// What a holder can do where the event's rules or the provider say no: a refund, the box office, and what to tell them.

import { boxOffice } from "./api.js";
import { h, put } from "./dom.js";
import { day, t } from "./language.js";
import { facts } from "./parts.js";

export function viewHelp(ticket) {
  const contact = h("div");
  boxOffice().then(
    (found) => put(contact, reach(found.contact)),
    () => put(contact, reach("")),
  );
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", {}, t("instead")),
      h(
        "section",
        { class: "card" },
        h("p", {}, t("help_limits")),
        h("p", {}, t("help_refund")),
        ticket?.seen && tell(ticket),
        contact,
      ),
      h("p", { class: "links" }, h("button", { onclick: () => history.back() }, t("back"))),
    ),
  };
}

const tell = ({ ticket, seen }) => [
  h("p", {}, t("help_tell")),
  facts([
    [t("event"), seen.event.name],
    [t("starts"), day(seen.event.starts, seen.event.zone)],
    [t("seat"), String(seen.seat)],
    [t("ticket_number"), String(ticket)],
  ]),
];

const reach = (contact) =>
  contact
    ? h("a", { class: "button main", id: "contact", href: contact }, t("contact_box_office"))
    : h("p", { class: "hint", id: "no-contact" }, t("no_contact"));
