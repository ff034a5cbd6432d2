// Small pieces that several views are made of.

import { thisApp } from "./apps.js";
import { h, put } from "./dom.js";
import { inLanguage, t } from "./language.js";
import { letterLink } from "./letters.js";
import { codeOf, sentence } from "./says.js";

// What nobody can mend on this page: there is something else to do.
const INSTEAD = new Set(
  (
    "event-not-open frozen identity-declined identity-differs identity-needed link-locked link-not-good no-provider " +
    "not-yet-open owner-seq-spent payment-declined rule-failed rule-says-no ticket-not-active too-many-tickets " +
    "too-many-transfers"
  ).split(" "),
);

export const notice = (text, kind = "") => h("p", { class: `notice ${kind}` }, text);

// For the pages at which keys are made: those that another app's window keeps may be gone when that is closed.
export function elsewhere() {
  const app = thisApp();
  const link = app !== null && letterLink();
  if (!link) return null;
  const said = h("div", { role: "status" });
  const copy = async () => {
    await navigator.clipboard.writeText(link).catch(() => {});
    put(said, h("p", { class: "hint" }, t("copied")));
  };
  const button = h("button", { class: "wide", id: "copy", onclick: copy, data: { link } }, t("copy_link"));
  const words = { app: app ? inLanguage(` ${app} `, app) : t("an_app") };
  return h(
    "div",
    { class: "notice warm", id: "elsewhere", data: { app } },
    h("p", {}, t("another_app", words)),
    h("p", {}, t("leave_app", words)),
    button,
    said,
  );
}

// Leads to what can be done instead; about a ticket, where there is one.
export const instead = (ticket) =>
  h("a", { class: "button wide", id: "instead", href: ticket ? `#/help/${ticket.id}` : "#/help" }, t("instead"));

export const problem = (error, ticket) => [
  h("p", { class: "notice bad", data: { code: codeOf(error) } }, sentence(error)),
  INSTEAD.has(codeOf(error)) && instead(ticket),
];

export const facts = (pairs) =>
  h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([label, value, name]) => [h("dt", {}, label), h("dd", { class: name }, value)]),
  );

export const field = (id, label, props = {}, hint = "") =>
  h(
    "div",
    {},
    h("label", { for: id }, label),
    h("input", { id, name: id, autocomplete: "off", spellcheck: "false", ...props }),
    hint && h("p", { class: "hint" }, hint),
  );

export const chip = (standing) => h("span", { class: "chip", data: { standing } }, t(`state_${standing}`));

// One act at a time; what goes wrong is said in `said`.
export const pressing = (button, said, act, ticket) => async () => {
  if (button.disabled) return;
  button.disabled = true;
  put(said);
  try {
    await act();
  } catch (error) {
    put(said, problem(error, ticket));
  } finally {
    button.disabled = false;
  }
};
