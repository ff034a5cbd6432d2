// A ticket that somebody offers or lists: what it is, at which price; taking it with a fresh key, or saying no.

import { Problem, act, checkout, deal, event, seat, ticketFacts } from "./api.js";
import { hex, unhex } from "./bytes.js";
import { measure, signedAt } from "./clock.js";
import { h, put } from "./dom.js";
import { seal, sealDraft } from "./entry.js";
import { identityProof } from "./gatecode.js";
import { keysWork, makeKey, passing, signer, signing } from "./keys.js";
import { day, hour, inLanguage, moment, money, t } from "./language.js";
import { letterDone } from "./letters.js";
import { elsewhere, facts, notice, pressing, problem } from "./parts.js";
import { consents, isUsedUp } from "./provider.js";
import { canRetry, codeOf } from "./says.js";
import { allTickets, dropTicket, keepForGood, putTicket } from "./store.js";
import { useUp } from "./trip.js";
import { ASKED, groupOf, newTicket, sync } from "./wallet.js";

const TRANSFER = { path: "transfers", type: "transfer.accept", take: "accept", title: "offer" };
const RESALE = { path: "listings", type: "resale.buy", take: "buy", title: "listing" };

// What a letter, or the address of a listing, leads to; null for neither.
export const offered = (letter) => (letter?.kind === "offer" ? { ...letter, ...TRANSFER } : null);
export const listed = ([id, which]) =>
  /^[0-9a-f]{64}$/.test(which ?? "") ? { event: id, deal: which, ...RESALE } : null;

export function viewDeal(found, go) {
  const box = h("section", { class: "card" });
  begin(box, found, go);
  return { element: h("div", { class: "page" }, h("h1", {}, t(found?.title ?? "offer")), elsewhere(), box) };
}

async function begin(box, found, go) {
  put(box, h("p", { class: "hint" }, t("working")));
  if (!found) return put(box, notice(t("problem_incomplete"), "bad"));
  try {
    const mine = await taken(found);
    if (mine) return arrive(go, mine);
    show(box, found, await read(found), go);
  } catch (error) {
    put(box, problem(error), canRetry(codeOf(error)) && h("button", { class: "main", onclick: () => begin(box, found, go) }, t("again")));
  }
}

// The ticket, if this phone has taken the deal already, also when it never heard the answer.
async function taken(found) {
  const mine = (await allTickets()).find((ticket) => ticket.from.deal === found.deal);
  if (!mine || mine.state !== ASKED) return mine;
  return sync(mine).catch((error) => {
    if (["not-yours", "unknown-ticket"].includes(codeOf(error))) return null;
    throw error;
  });
}

async function read(found) {
  const open = await deal(found.event, found.path, found.deal);
  const [about, place, ticket] = await Promise.all([
    event(found.event),
    seat(found.event, open.ticket),
    ticketFacts(found.event, open.ticket),
  ]);
  return { ...open, about, place, group: groupOf(about, ticket.gate_group) };
}

function show(box, found, offer, go) {
  const { about, place, group, price, currency, until } = offer;
  const asked = consents(found.event, { price, currency, identity: offer.identity });
  const said = h("div", { role: "alert" });
  const label = price ? t("accept_paid", { price: money(price, currency) }) : t("accept");
  const accept = h("button", { id: "accept", class: "main" }, label);
  const taking = pressing(accept, said, async () => {
    const given = asked.said();
    // Whatever comes of it, an authorisation is good once.
    useUp();
    try {
      arrive(go, await take(found, offer, given));
    } catch (error) {
      if (isUsedUp(codeOf(error))) asked.renew();
      if (codeOf(error) === "identity-needed") asked.require();
      throw error;
    }
  });
  const reject = found.secret && h("button", { id: "reject", class: "wide bad", type: "button" }, t("reject"));
  reject?.addEventListener(
    "click",
    pressing(reject, said, async () => {
      await sayNo(found, offer);
      letterDone();
      put(box, notice(t("rejected"), "good"));
    }),
  );
  const form = h(
    "form",
    { novalidate: true, onsubmit: (submit) => (submit.preventDefault(), taking()) },
    asked.element,
    said,
    accept,
    reject,
  );
  put(
    box,
    h("h2", {}, about.name),
    h(
      "p",
      { class: "hint when" },
      h("span", {}, day(about.starts, about.zone)),
      h("span", {}, `${t("starts")} ${hour(about.starts, about.zone)}`),
    ),
    facts([
      [t("seat"), String(place.seat)],
      [t("gate"), group ? `${inLanguage(group.name_zh, group.name_en)}　${group.gates.join(" ")}` : t("any_gate")],
      [t("face_value"), money(place.face_value, currency)],
      [t("price_label"), money(price, currency), "price"],
      [t("until"), moment(until, about.zone)],
    ]),
    form,
    h("p", { class: "hint" }, t("about_accept")),
  );
}

// The key is kept before anything is asked for, so that whatever is lost on the way can be asked for again with it.
async function take(found, offer, consent) {
  const work = await keysWork();
  if (work !== "yes") throw new Problem(work === "no" ? "no-keys" : work);
  const place = { ticket: offer.ticket, owner_seq: offer.owner_seq + 1 };
  const known = (await allTickets()).find((ticket) => ticket.from.deal === found.deal && ticket.state === ASKED);
  const ticket = known ?? newTicket(found.event, place, await makeKey(), { deal: found.deal });
  await putTicket(ticket);
  const asked = { key: hex(ticket.key.public), ...consent, ...(found.secret && { secret: found.secret }) };
  if (asked.identify)
    asked.identify_proof = await identityProof(found.event, ticket.key.public, asked.identify, signer(ticket.key));
  const ready = await checkout(found.event, found.path, found.deal, asked);
  const draft = { payload: unhex(ready.payload), message: unhex(ready.message) };
  const raw = await sealDraft(found.type, draft, signing(ticket.key), [unhex(found.deal)]);
  await act(found.event, found.path, found.deal, found.take, raw);
  keepForGood();
  return sync(ticket);
}

async function sayNo(found, offer) {
  await measure();
  const body = { ticket: offer.ticket, deal: unhex(found.deal), secret: unhex(found.secret) };
  const raw = await seal("transfer.reject", found.event, signedAt(), body, await passing());
  await act(found.event, found.path, found.deal, "reject", raw);
  const mine = (await allTickets()).filter((ticket) => ticket.from.deal === found.deal && ticket.state === ASKED);
  await Promise.all(mine.map((ticket) => dropTicket(ticket.id)));
}

function arrive(go, ticket) {
  letterDone();
  go(`#/ticket/${ticket.id}`, { replace: true });
}
