// What the ledger says of a ticket, for everybody: entries by position, without people.

import { event as eventFacts, history } from "./api.js";
import { h, put } from "./dom.js";
import { moment, money, t } from "./language.js";
import { problem } from "./parts.js";
import { typeName } from "./says.js";

export function viewHistory([event, ticket]) {
  const steps = h("ol", { class: "steps" });
  const more = h("div");
  read(event, ticket, 0, steps, more);
  return {
    element: h(
      "div",
      { class: "page" },
      h("h1", {}, t("history")),
      h("p", { class: "hint" }, `${event}　${t("ticket")} ${ticket}`),
      steps,
      more,
      h("p", { class: "hint" }, t("about_history")),
    ),
  };
}

async function read(event, ticket, from, steps, more) {
  put(more);
  try {
    const [found, { zone }] = await Promise.all([history(event, ticket, from), eventFacts(event)]);
    steps.append(...found.entries.map((entry) => step(entry, zone)));
    if (found.next !== null)
      put(more, h("button", { onclick: () => read(event, ticket, found.next, steps, more) }, t("more")));
  } catch (error) {
    put(more, problem(error), h("button", { onclick: () => read(event, ticket, from, steps, more) }, t("again")));
  }
}

const step = ({ position, type, at, facts }, zone) =>
  h(
    "li",
    {},
    h("span", { class: "row" }, h("strong", {}, typeName(type)), h("span", { class: "hint" }, `#${position}`)),
    h(
      "span",
      { class: "row" },
      h("span", { class: "hint" }, moment(at, zone)),
      facts.gate
        ? h("span", { class: "hint" }, facts.gate)
        : "price" in facts && h("span", { class: "hint" }, money(facts.price)),
    ),
  );
