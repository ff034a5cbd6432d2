// Small pieces that several views are made of.

import { h, put } from "./dom.js";
import { t } from "./language.js";
import { inAnotherApp, letterLink } from "./letters.js";
import { codeOf, sentence } from "./says.js";

export const notice = (text, kind = "") => h("p", { class: `notice ${kind}` }, text);

// For a letter's page: a ticket that another app's window keeps may be gone when that is closed.
export function elsewhere() {
  const link = inAnotherApp() && letterLink();
  if (!link) return null;
  const said = h("div", { role: "status" });
  const copy = async () => {
    await navigator.clipboard.writeText(link).catch(() => {});
    put(said, h("p", { class: "hint" }, t("copied")));
  };
  const button = h("button", { class: "wide", id: "copy", onclick: copy, data: { link } }, t("copy_link"));
  return h("div", { class: "notice warm", id: "elsewhere" }, t("another_app"), button, said);
}

export const problem = (error) => h("p", { class: "notice bad", data: { code: codeOf(error) } }, sentence(error));

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
export const pressing = (button, said, act) => async () => {
  if (button.disabled) return;
  button.disabled = true;
  put(said);
  try {
    await act();
  } catch (error) {
    put(said, problem(error));
  } finally {
    button.disabled = false;
  }
};
