// Small pieces that several views are made of.

import { h, put } from "./dom.js";
import { t } from "./language.js";
import { codeOf, sentence } from "./says.js";

export const notice = (text, kind = "") => h("p", { class: `notice ${kind}` }, text);

export const problem = (error) => h("p", { class: "notice bad", data: { code: codeOf(error) } }, sentence(error));

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
