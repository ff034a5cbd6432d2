// What the wallet provider gave its customer when they said yes: a payment code is "PARTY.AUTHORISATION" (the party in
// 64 hex digits), an identity code the authorisation alone, or behind a party. Good once. It is pasted from the app of
// the provider, or its page leads back with it (trip.js); this tab keeps it until it is used.

import { Problem, provider } from "./api.js";
import { h, put } from "./dom.js";
import { money, t } from "./language.js";
import { field, notice, problem } from "./parts.js";
import { agreed, newTrip, ours, setOut, useUp, wayBack } from "./trip.js";

const CODE = /^(?:([0-9a-f]{64})\.)?([!-~]{1,128})$/;
const FIELDS = { pay: "pay_code", identify: "id_code" };

// The part of a form that asks for what is needed. `draft()` is what was typed meanwhile, `check()` throws a Problem
// for what the provider need not be asked about. Of what is given back, `said()` is what the provider gave and throws
// for half a code, `renew()` asks again because it was good for nothing, `require()` asks for an identity as well.
export function consents(event, { price = 0, currency, identity = false }, { draft, check } = {}) {
  const box = h("div", { class: "consents" });
  const needs = { pay: price > 0, identify: identity };
  const given = { pay: agreed("pay"), identify: agreed("identify") };
  const wanted = () => Object.keys(needs).filter((purpose) => needs[purpose]);

  const draw = () => {
    const ways = h("div");
    const missing = wanted().filter((purpose) => !given[purpose]);
    put(box, ways, wanted().map(one));
    if (missing.length) lead(ways, missing);
  };
  const one = (purpose) => {
    if (given[purpose])
      return [notice(t("agreed"), "good"), h("input", { id: FIELDS[purpose], type: "hidden", value: given[purpose] })];
    const about = purpose === "pay" ? t("about_pay_code", { price: money(price, currency) }) : t("about_id_code");
    const element = field(FIELDS[purpose], t(FIELDS[purpose]), {}, about);
    return element;
  };
  const input = (purpose) => box.querySelector(`#${FIELDS[purpose]}`);
  // What stands there by now. An app shows both codes with a space between them, and both are pasted as one.
  const codes = () => {
    const [pay, identify] = (input("pay")?.value ?? "").trim().split(/\s+/);
    if (identify && input("identify")) [input("pay").value, input("identify").value] = [pay, identify];
    return Object.fromEntries(wanted().map((purpose) => [purpose, input(purpose).value.trim()]));
  };
  const lead = (ways, missing) =>
    provider().then(
      ({ name, consent }) => {
        if (!name) put(ways, problem(new Problem("no-provider")));
        else if (consent) put(ways, way(ways, consent, missing));
      },
      () => {},
    );
  const way = (ways, consent, [purpose, also]) => {
    const asked = new URL(consent),
      id = newTrip([purpose, also].filter(Boolean)),
      said = h("div", { role: "alert" });
    const query = { event, purpose, ...(purpose === "pay" && { most: price }), ...(also && { also }), back: wayBack(id) };
    for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value);
    const leave = (click) => {
      try {
        check?.();
        setOut(id, [purpose, also].filter(Boolean), draft?.(), codes());
      } catch (error) {
        click.preventDefault();
        put(said, problem(error));
      }
    };
    const props = { class: "button wide", id: `ask-${purpose}`, href: asked.href, onclick: leave };
    return [h("a", props, t(also ? "ask_provider_both" : `ask_provider_${purpose}`)), said];
  };

  const said = () => {
    const found = Object.fromEntries(Object.entries(codes()).map(([purpose, text]) => [purpose, ours(text)]));
    if (Object.values(found).includes(null)) throw new Problem("other-trip");
    const [paid, person] = ["pay", "identify"].map((purpose) => needs[purpose] && CODE.exec(found[purpose]));
    if (paid === null || person === null || (paid && !paid[1])) throw new Problem("bad-code");
    return { ...(paid && { payer: paid[1], authorisation: paid[2] }), ...(person && { identify: person[2] }) };
  };
  const renew = () => {
    useUp();
    given.pay = given.identify = undefined;
    draw();
  };
  const require = () => ((needs.identify = true), draw());
  draw();
  return { element: box, said, renew, require };
}

// The provider has said no to what it was given, so it is to be asked again.
export const isUsedUp = (code) => ["payment-declined", "identity-declined"].includes(code);
