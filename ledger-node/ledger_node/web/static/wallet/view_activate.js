// The activation link: what is asked, the answer, a fresh key for each ticket, and the tickets are here.

import { activate, event, look } from "./api.js";
import { hex, sha256, utf8 } from "./bytes.js";
import { h, put } from "./dom.js";
import { possession } from "./gatecode.js";
import { keysWork, makeKey, signer } from "./keys.js";
import { day, hour, moment, t } from "./language.js";
import { letterDone, letterKept } from "./letters.js";
import { elsewhere, notice, pressing, problem } from "./parts.js";
import { canRetry, codeOf } from "./says.js";
import { allTickets, dropTicket, keepForGood, putTicket } from "./store.js";
import { ASKED, newTicket, sync } from "./wallet.js";

export function viewActivate(go) {
  const box = h("section", { class: "card" });
  begin(box, go);
  return { element: h("div", { class: "page" }, h("h1", {}, t("activate")), elsewhere(), box) };
}

async function begin(box, go) {
  put(box, h("p", { class: "hint" }, t("working")));
  const letter = letterKept();
  if (letter?.kind !== "activate") return put(box, notice(t("problem_incomplete"), "bad"));
  const work = await keysWork();
  if (work !== "yes") return put(box, notice(t(work === "no" ? "problem_no-keys" : "problem_insecure"), "bad"));
  const link = hex(await sha256(utf8(letter.token)));
  try {
    ask(box, go, letter, link, await look(letter.token));
  } catch (error) {
    await another(box, go, letter, link, error);
  }
}

// A link that is good no more may have done its work on this very phone, or have died half-way through.
async function another(box, go, letter, link, error) {
  const code = codeOf(error);
  const mine = (await allTickets().catch(() => [])).filter((ticket) => ticket.from.link === link);
  if (code === "link-not-good" && mine.length) {
    if (mine.every((ticket) => ticket.state !== ASKED)) return arrive(go, mine);
    try {
      return await arrive(go, await finish(letter.token, "", mine));
    } catch (refused) {
      if (codeOf(refused) === "link-not-good") await Promise.all(mine.map((ticket) => dropTicket(ticket.id)));
    }
  }
  const retry = canRetry(code);
  put(box, problem(error), retry && h("button", { class: "main", onclick: () => begin(box, go) }, t("again")));
}

async function ask(box, go, letter, link, opened) {
  const facts = await event(opened.event).catch(() => null);
  const answer = h("input", {
    id: "answer",
    name: "answer",
    required: true,
    maxlength: 200,
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    enterkeyhint: "done",
  });
  const left = h("p", { id: "tries", class: "hint" }, t("tries_left", { n: opened.tries_left }));
  const said = h("div", { role: "alert" });
  const button = h("button", { class: "main" }, t("do_activate"));
  const send = pressing(button, said, async () => {
    try {
      const tickets = await prepared(opened, link);
      await arrive(go, await finish(letter.token, answer.value, tickets));
    } catch (error) {
      if (codeOf(error) === "link-locked") return put(box, problem(error));
      if (codeOf(error) === "wrong-answer") await count(left, letter.token);
      answer.select();
      throw error;
    }
  });
  const form = h(
    "form",
    { novalidate: true, onsubmit: (act) => (act.preventDefault(), answer.value.trim() ? send() : answer.focus()) },
    h("label", { for: "answer" }, h("span", { class: "question" }, opened.question)),
    answer,
    left,
    said,
    button,
  );
  put(
    box,
    facts && h("p", { class: "eyebrow" }, t("activate_count", { n: opened.tickets.length })),
    facts && h("h2", {}, facts.name),
    facts && h("p", { class: "hint" }, `${day(facts.starts, facts.zone)}　${hour(facts.starts, facts.zone)}`),
    form,
    h("p", { class: "hint" }, t("one_phone")),
    h("p", { class: "hint" }, t("good_until", { time: moment(opened.expires, facts?.zone) })),
  );
}

const count = async (left, token) =>
  look(token).then(
    (now) => (left.textContent = t("tries_left", { n: now.tries_left })),
    () => {},
  );

// The keys are kept before they are sent, so that an answer that is lost can be asked for again with the same ones.
async function prepared(opened, link) {
  const kept = new Map((await allTickets()).map((ticket) => [ticket.id, ticket]));
  const made = opened.tickets.map(async (place) => {
    const fresh = newTicket(opened.event, place, null, { link });
    const known = kept.get(fresh.id);
    if (known?.state === ASKED && known.from.link === link) return known;
    const ticket = { ...fresh, key: await makeKey() };
    await putTicket(ticket);
    return ticket;
  });
  return Promise.all(made);
}

async function finish(token, answer, tickets) {
  const keys = await Promise.all(
    tickets.map(async (ticket) => ({
      ticket: ticket.ticket,
      holder_key: hex(ticket.key.public),
      proof: hex(await signer(ticket.key)(await possession(ticket, ticket.key.public))),
    })),
  );
  await activate(token, answer, keys);
  keepForGood();
  return Promise.all(tickets.map((ticket) => sync(ticket)));
}

async function arrive(go, tickets) {
  letterDone();
  go(tickets.length === 1 ? `#/ticket/${tickets[0].id}` : "#/", { replace: true });
}
