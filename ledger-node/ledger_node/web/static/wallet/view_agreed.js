// Where a provider's page leads back to a browser that knows nothing of the trip, as when the provider's app opens a
// window of its own: the codes, to be copied and pasted where one began.

import { h, put } from "./dom.js";
import { t } from "./language.js";
import { notice } from "./parts.js";
import { stray } from "./trip.js";

export function viewAgreed() {
  const { pay, identify } = stray();
  const codes = [pay, identify].filter(Boolean).join(" ");
  const said = h("div", { role: "status" });
  const copy = async () => {
    await navigator.clipboard.writeText(codes).catch(() => {});
    put(said, notice(t("code_copied"), "good"));
  };
  const found = [
    notice(t("agreed_elsewhere"), "warm"),
    h("p", { class: "code-text", id: "codes" }, codes),
    h("button", { class: "main", id: "copy-codes", onclick: copy }, t("copy_code")),
    said,
  ];
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", {}, t("agreed_title")),
      h("section", { class: "card" }, codes ? found : notice(t("agreed_nothing"), "bad")),
    ),
  };
}
