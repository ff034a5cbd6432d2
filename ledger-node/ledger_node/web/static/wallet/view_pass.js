// Passing a ticket on: an offer to one person, or a listing for anybody; and taking either back. The holder's key
// signs, and the event's policy decides.

import { Problem, act, identify, list, offer } from "./api.js";
import { hex, random, unhex } from "./bytes.js";
import { measure, seconds, signedAt } from "./clock.js";
import { h, put } from "./dom.js";
import { dealId, invitation, seal } from "./entry.js";
import { signing } from "./keys.js";
import { cents, moment, money, t } from "./language.js";
import { takeDraft, useUp } from "./letters.js";
import { facts, field, notice, pressing } from "./parts.js";
import { consents } from "./provider.js";
import { changeTicket } from "./store.js";
import { sync } from "./wallet.js";

const HOUR = 3_600;
const LIVES = [
  ["hours", 2],
  ["hours", 24],
  ["days", 3],
  ["days", 7],
];
const SECONDS = { hours: HOUR, days: 24 * HOUR };

export function viewPass(ticket, go) {
  const box = h("section", { class: "card" });
  const back = () => go(`#/ticket/${ticket.id}`, { replace: true });
  const { opens, freezes } = ticket.seen.terms;
  if (ticket.seen.deal) showOpen(box, ticket, back);
  else if (seconds() < opens) put(box, notice(t("not_yet", { time: moment(opens) })));
  else if (seconds() >= freezes) put(box, notice(t("frozen", { time: moment(freezes) })));
  else choose(box, ticket, go, takeDraft() ?? { kind: "transfer" });
  const title = h("h1", {}, t(ticket.seen.deal ? "see_deal" : "pass_on"));
  const about = h("p", { class: "hint" }, `${ticket.seen.event.name}　${t("seat")} ${ticket.seen.seat}`);
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

function form(ticket, go, { kind, typed = kind === "transfer" ? "0" : "" }) {
  const { terms } = ticket.seen;
  const most = kind === "transfer" ? terms.most_transfer : terms.most_resale;
  const whom =
    kind === "transfer" && field("to", t("to_whom"), { maxlength: 200, autocapitalize: "none" }, t("about_to_whom"));
  const price = field(
    "price",
    t("price", { currency: terms.currency }),
    { inputmode: "decimal", value: typed },
    t("at_most", { price: money(most, terms.currency) }),
  );
  const life = h(
    "select",
    { id: "life" },
    LIVES.map(([unit, n], place) => h("option", { value: n * SECONDS[unit], selected: place === 1 }, t(unit, { n }))),
  );
  const amount = price.querySelector("input");
  const known = consents(ticket.event, { identity: true }, () => ({ kind, typed: amount.value }));
  known.element.hidden = !needsIdentity(ticket, cents(typed) ?? 0);
  amount.addEventListener("input", () => (known.element.hidden = !needsIdentity(ticket, cents(amount.value) ?? 0)));
  const said = h("div", { role: "alert" });
  const button = h("button", { class: "main", id: "do" }, t(kind === "transfer" ? "do_offer" : "do_list"));
  const send = pressing(button, said, async () => {
    const asked = {
      price: cents(amount.value),
      until: Number(life.value),
      to: whom ? whom.querySelector("input").value.trim() : "",
    };
    if (asked.price === null) throw new Problem("bad-price");
    await measure();
    if (needsIdentity(ticket, asked.price)) await beKnown(ticket, known.said().identify);
    await (kind === "transfer" ? offerTo : putUp)(ticket, asked);
    go(`#/pass/${ticket.id}`, { replace: true });
  });
  return h(
    "form",
    { novalidate: true, onsubmit: (submit) => (submit.preventDefault(), send()) },
    whom,
    price,
    h("label", { for: "life" }, t("how_long")),
    life,
    known.element,
    said,
    button,
    h("p", { class: "hint" }, t("about_offer")),
  );
}

// Whoever is to be paid must have a pseudonym at the provider, and some events know every giver.
const needsIdentity = ({ seen }, price) => !seen.identified && (price > 0 || seen.terms.send_level > 0);

async function beKnown(ticket, authorisation) {
  useUp();
  const { event, key, seen } = ticket;
  await identify(event, {
    key: hex(key.public),
    authorisation,
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
  const body = { ticket: ticket.ticket, owner_seq: ticket.owner_seq, price, until: ends(ticket, until) };
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
      [t("until"), moment(deal.until)],
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
