// Passing a ticket on: an offer to one person, or a listing for anybody; and taking either back. The holder's key
// signs, and the event's policy decides.

import { Problem, act, identify, list, offer } from "./api.js";
import { hex, random, unhex } from "./bytes.js";
import { measure, seconds, signedAt } from "./clock.js";
import { h, put } from "./dom.js";
import { dealId, invitation, seal } from "./entry.js";
import { identityProof } from "./gatecode.js";
import { signer, signing } from "./keys.js";
import { cents, moment, money, t } from "./language.js";
import { facts, field, instead, notice, pressing } from "./parts.js";
import { consents, isUsedUp } from "./provider.js";
import { codeOf } from "./says.js";
import { changeTicket } from "./store.js";
import { takeDraft, useUp } from "./trip.js";
import { GONE, sync } from "./wallet.js";

const HOUR = 3_600;
const LIVES = [
  ["hours", 2],
  ["hours", 24],
  ["days", 3],
  ["days", 7],
];
const DAY = 24 * HOUR;
const SECONDS = { hours: HOUR, days: DAY };
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  PHONE = /^\+?\d{8,15}$/,
  BETWEEN = /[ ().\-\u2010-\u2015]/g;

export function viewPass(ticket, go) {
  const box = h("section", { class: "card" });
  const back = () => go(`#/ticket/${ticket.id}`, { replace: true });
  const title = h("h1", {}, t(ticket.seen.deal ? "see_deal" : "pass_on"));
  const about = h("p", { class: "hint" }, `${ticket.seen.event.name}　${t("seat")} ${ticket.seen.seat}`);
  begin(box, ticket, go, back);
  return {
    element: h(
      "div",
      { class: "page" },
      title,
      about,
      box,
      h("p", { class: "links" }, h("button", { onclick: back }, t("back"))),
    ),
  };
}

// The event's terms may have changed since the ticket was last looked at.
async function begin(box, known, go, back) {
  put(box, h("p", { class: "hint" }, t("working")));
  const ticket = await sync(known).catch(() => known);
  if (ticket.state === GONE) return back();
  const closed = forbidden(ticket.seen);
  if (ticket.seen.deal) showOpen(box, ticket, back);
  else if (closed) put(box, notice(closed), instead(ticket));
  else choose(box, ticket, go, takeDraft() ?? { kind: "transfer" });
}

// Why nobody may pass this ticket on now, or null.
function forbidden({ event: { zone }, terms: { opens, freezes, transfers_left } }) {
  if (transfers_left === 0) return t("no_transfers");
  if (seconds() < opens) return t("not_yet", { time: moment(opens, zone) });
  return seconds() < freezes ? null : t("frozen", { time: moment(freezes, zone) });
}

function choose(box, ticket, go, draft) {
  const half = (kind, name) =>
    h(
      "button",
      {
        class: "half",
        id: name,
        "aria-pressed": String(draft.kind === kind),
        onclick: () => choose(box, ticket, go, { kind }),
      },
      t(name),
    );
  put(
    box,
    h("div", { class: "halves" }, half("transfer", "to_one"), half("resale", "to_all")),
    form(ticket, go, draft),
  );
}

function form(ticket, go, { kind, typed, to = "", life = DAY }) {
  const { terms } = ticket.seen;
  const most = kind === "transfer" ? terms.most_transfer : terms.most_resale;
  const price = priced(kind, typed, most, terms.currency);
  const whom = kind === "transfer" && addressed(to);
  const lives = lifetimes(life);
  const read = () => ({
    kind,
    typed: price.querySelector("input").value,
    to: whom ? whom.querySelector("input").value.trim() : "",
    life: Number(lives.value),
  });
  const checked = () => check(read(), most);
  const known = consents(ticket.event, { identity: true }, { draft: read, check: checked });
  const show = (forced) => (known.element.hidden = !forced && !needsIdentity(ticket, kind, cents(read().typed) ?? 0));
  show(false);
  price.addEventListener("input", () => show(false));
  const said = h("div", { role: "alert" });
  const button = h("button", { class: "main", id: "do" }, t(kind === "transfer" ? "do_offer" : "do_list"));
  const act = async () => {
    const asked = checked();
    await measure();
    if (!known.element.hidden) await beKnown(ticket, known.said().identify);
    await (kind === "transfer" ? offerTo : putUp)(ticket, asked);
    go(`#/pass/${ticket.id}`, { replace: true });
  };
  const send = pressing(
    button,
    said,
    () =>
      act().catch((error) => {
        if (isUsedUp(codeOf(error))) known.renew();
        if (asksWho(error, ticket, kind)) show(true);
        throw error;
      }),
    ticket,
  );
  return h(
    "form",
    { novalidate: true, onsubmit: (submit) => (submit.preventDefault(), send()) },
    whom,
    price,
    h("label", { for: "life" }, t("how_long")),
    lives,
    known.element,
    said,
    button,
    h("p", { class: "hint" }, t("about_offer")),
  );
}

function priced(kind, typed = kind === "transfer" ? "0" : "", most, currency) {
  const props = { inputmode: "decimal", value: most ? typed : "0", readonly: most === 0 };
  const about = most ? t("at_most", { price: money(most, currency) }) : t("only_free");
  return field("price", t("price", { currency }), props, about);
}

const addressed = (to) =>
  field("to", t("to_whom"), { maxlength: 200, autocapitalize: "none", value: to }, t("about_to_whom"));

const lifetimes = (chosen) =>
  h(
    "select",
    { id: "life" },
    LIVES.map(([unit, n]) => {
      const value = n * SECONDS[unit];
      return h("option", { value, selected: value === chosen }, t(unit, { n }));
    }),
  );

// What was typed, as it is sent; throws a Problem for what the node would refuse, before anybody is asked for anything.
function check({ typed, to, life }, most) {
  const price = cents(typed);
  if (price === null) throw new Problem("bad-price");
  if (price > most) throw new Problem("above-cap");
  if (to && !EMAIL.test(to) && !PHONE.test(to.normalize("NFKC").replace(BETWEEN, ""))) throw new Problem("no-contact");
  return { price, to, until: life };
}

// Whoever is to be paid must have a pseudonym at the provider, and some events know every giver, to a level.
function needsIdentity({ seen }, kind, price) {
  const { send_level, asks_giver } = seen.terms;
  const wanted = Math.max(send_level, asks_giver?.[kind] ? 1 : 0);
  return (seen.level ?? 0) < wanted || (price > 0 && !seen.identified);
}

// Whether the refusal may end when the provider says (anew) who gives.
function asksWho(error, { seen }, kind) {
  const code = codeOf(error);
  return code === "identity-needed" || (code === "rule-says-no" && Boolean(seen.terms.asks_giver?.[kind]));
}

async function beKnown(ticket, authorisation) {
  useUp();
  const { event, key, seen } = ticket;
  await identify(event, {
    key: hex(key.public),
    authorisation,
    proof: await identityProof(event, key.public, authorisation, signer(key)),
    level: seen.terms.send_level,
    tickets: [ticket.ticket],
  });
  Object.assign(seen, (await sync(ticket)).seen);
}

const ends = (ticket, life) => Math.min(seconds() + life, ticket.seen.terms.freezes);

async function offerTo(ticket, { price, until, to }) {
  const secret = random(32);
  const body = {
    ticket: ticket.ticket,
    owner_seq: ticket.owner_seq,
    price,
    to: await invitation(secret),
    until: ends(ticket, until),
  };
  const entry = await seal("transfer.offer", ticket.event, signedAt(), body, signing(ticket.key));
  // Kept first: the link can be handed over even if the answer is lost.
  await changeTicket(ticket.id, { offer: { deal: await dealId(entry), secret: hex(secret) } });
  const contact = to && { secret: hex(secret), [to.includes("@") ? "email" : "phone"]: to };
  await offer(ticket.event, { entry: hex(entry), ...contact });
  await sync(ticket);
}

async function putUp(ticket, { price, until }) {
  // With the nonce, a ticket that was taken back a moment ago is listed anew, and not the same listing once more.
  const body = { ticket: ticket.ticket, owner_seq: ticket.owner_seq, price, until: ends(ticket, until), nonce: random(16) };
  await list(ticket.event, await seal("resale.list", ticket.event, signedAt(), body, signing(ticket.key)));
  await sync(ticket);
}

function showOpen(box, ticket, back) {
  const { deal, terms } = ticket.seen;
  const link = linkTo(ticket);
  const said = h("div", { role: "status" });
  const button = h("button", { id: "take-back", class: "wide bad" }, t("take_back"));
  button.addEventListener(
    "click",
    pressing(button, said, async () => (await takeBack(ticket), back())),
  );
  const share =
    link &&
    h("button", { id: "share", class: "wide", onclick: () => handOver(link, said), data: { link } }, t("share"));
  put(
    box,
    notice(t(`open_${deal.kind}`), "warm"),
    facts([
      [t("price_label"), money(deal.price, terms.currency), "price"],
      [t("until"), moment(deal.until, ticket.seen.event.zone)],
    ]),
    share,
    share && deal.kind === "transfer" && h("p", { class: "hint" }, t("secret_link")),
    button,
    said,
  );
}

// For an offer that was made on this phone, or a listing, which anybody may see.
function linkTo({ event, offer: made, seen: { deal } }) {
  if (deal.kind === "resale") return `${location.origin}/wallet/#/listing/${event}/${deal.deal}`;
  return made?.deal === deal.deal ? `${location.origin}/offer#${event}/${deal.deal}/${made.secret}` : null;
}

async function handOver(link, said) {
  if (navigator.share) return navigator.share({ url: link }).catch(() => {});
  await navigator.clipboard.writeText(link);
  put(said, notice(t("copied"), "good"));
}

async function takeBack(ticket) {
  await measure();
  const { deal, kind } = ticket.seen.deal;
  const [type, path, what] =
    kind === "resale" ? ["resale.unlist", "listings", "unlist"] : ["transfer.cancel", "transfers", "cancel"];
  const raw = await seal(
    type,
    ticket.event,
    signedAt(),
    { ticket: ticket.ticket, deal: unhex(deal) },
    signing(ticket.key),
  );
  await act(ticket.event, path, deal, what, raw);
  await sync(ticket);
}
