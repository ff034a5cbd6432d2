// What the wallet provider gave its customer when they said yes: a payment code is "PARTY.AUTHORISATION" (the party in
// 64 hex digits), an identity code the authorisation alone, or behind a party. Good once. It is pasted from the app of
// the provider, or its page leads back with it (letters.js); this tab keeps it until it is used.

import { Problem, provider } from "./api.js";
import { h, put } from "./dom.js";
import { money, t } from "./language.js";
import { agreed, leaveFor } from "./letters.js";
import { field, notice } from "./parts.js";

const CODE = /^(?:([0-9a-f]{64})\.)?([!-~]{1,128})$/;

// The part of a form that asks for what is needed; `said()` is what was given, and throws a Problem for half a code.
export function consents(event, { price = 0, currency, identity = false }, draft = null) {
  const about = t("about_pay_code", { price: money(price, currency) });
  const parts = [
    price > 0 && { purpose: "pay", id: "pay_code", label: t("pay_code"), about, most: price },
    identity && { purpose: "identify", id: "id_code", label: t("id_code"), about: t("about_id_code") },
  ].filter(Boolean);
  const made = parts.map((part) => ({ ...part, element: one(event, part, draft) }));
  const read = (purpose) => {
    const part = made.find((found) => found.purpose === purpose);
    return part && CODE.exec(part.element.querySelector("input").value.trim());
  };
  const said = () => {
    const paid = read("pay"),
      person = read("identify");
    if (paid === null || person === null || (paid && !paid[1])) throw new Problem("bad-code");
    return { ...(paid && { payer: paid[1], authorisation: paid[2] }), ...(person && { identify: person[2] }) };
  };
  return {
    element: h(
      "div",
      { class: "consents" },
      made.map((part) => part.element),
    ),
    said,
  };
}

function one(event, part, draft) {
  const element = h("div");
  const known = agreed(part.purpose);
  if (known) {
    put(element, notice(t("agreed"), "good"), h("input", { id: part.id, type: "hidden", value: known }));
    return element;
  }
  put(element, field(part.id, part.label, {}, part.about));
  provider().then(
    ({ consent }) => consent && element.prepend(link(consent, event, part, draft)),
    () => {},
  );
  return element;
}

function link(consent, event, { purpose, most }, draft) {
  const asked = new URL(consent);
  const given = { event, purpose, ...(most && { most }), back: `${location.origin}/agreed` };
  for (const [name, value] of Object.entries(given)) asked.searchParams.set(name, value);
  const leave = () => leaveFor(draft?.());
  return h("a", { class: "button wide", id: `ask-${purpose}`, href: asked.href, onclick: leave }, t("ask_provider"));
}
