// What the wallet provider gave its customer when they said yes: a payment code is "PARTY.AUTHORISATION" (the party is 64
// hex digits), an identity code the authorisation alone, or behind a party. Good once; nothing of it is kept.

import { Problem } from "./api.js";
import { h } from "./dom.js";
import { money, t } from "./language.js";
import { field } from "./parts.js";

const CODE = /^(?:([0-9a-f]{64})\.)?([!-~]{1,128})$/;

// The fields of a form that ask for what is needed, and `said()` for what was typed. Throws a Problem for half a code.
export function consents({ price = 0, currency, identity = false }) {
  const pay = price > 0 && field("pay_code", t("pay_code"), {}, t("about_pay_code", { price: money(price, currency) }));
  const known = identity && field("id_code", t("id_code"), {}, t("about_id_code"));
  const read = (part) => CODE.exec(part.querySelector("input").value.trim());
  const said = () => {
    const paid = pay && read(pay), person = known && read(known);
    if ((pay && !paid?.[1]) || (known && !person)) throw new Problem("bad-code");
    return {
      ...(paid && { payer: paid[1], authorisation: paid[2] }),
      ...(person && { identify: person[2] }),
    };
  };
  return { element: h("div", { class: "consents" }, pay, known), said };
}
