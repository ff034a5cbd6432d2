// The wallet: which view the address asks for, in which language, and tickets brought up to date in the background.

import { takeBeacon } from "./beacon.js";
import { reach } from "./api.js";
import { recall } from "./clock.js";
import { h, put } from "./dom.js";
import { language, speak, t } from "./language.js";
import { letterKept, takeLetter } from "./letters.js";
import { listen, settle } from "./live.js";
import { notice } from "./parts.js";
import { codeOf, learnWords, sentence } from "./says.js";
import { getTicket } from "./store.js";
import { viewActivate } from "./view_activate.js";
import { viewAgreed } from "./view_agreed.js";
import { listed, offered, viewDeal } from "./view_deal.js";
import { viewHelp } from "./view_help.js";
import { viewHistory } from "./view_history.js";
import { viewList } from "./view_list.js";
import { viewPass } from "./view_pass.js";
import { viewTicket } from "./view_ticket.js";
import { keepFresh, refresh } from "./refresh.js";
import { forgetOld } from "./trip.js";
import { GONE, shownTickets } from "./wallet.js";

const main = document.getElementById("main");
let view = { element: null };
let turn = 0;

function go(route, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", route);
    render();
    refresh();
    settle();
  } else location.hash = route;
}

const routeNow = () => decodeURIComponent(location.hash.slice(1)).split("/");

async function make() {
  let [, name, ...rest] = routeNow();
  if (name === "beacon") {
    await carry(rest);
    [, name, ...rest] = routeNow();
  }
  if (name === "activate") return viewActivate(go);
  if (name === "offer") return viewDeal(offered(letterKept()), go);
  if (name === "listing") return viewDeal(listed(rest), go);
  if (name === "history") return viewHistory(rest);
  if (name === "agreed") return viewAgreed();
  if (name === "help") return viewHelp(await getTicket(rest.join("/")));
  if (name === "ticket" || name === "pass") {
    const ticket = await getTicket(rest.join("/"));
    if (ticket?.seen) return name === "pass" ? viewPass(ticket, go) : viewTicket(ticket, go);
  }
  return viewList(await shownTickets());
}

// A beacon's link leads on to the ticket that it is for.
async function carry(link) {
  const good = await takeBeacon(link);
  const held = (await shownTickets()).filter((ticket) => ticket.event === link[0] && ticket.state !== GONE);
  history.replaceState(null, "", good && held.length === 1 ? `#/ticket/${held[0].id}` : "#/");
}

async function render() {
  const mine = ++turn;
  let made;
  try {
    made = await make();
  } catch (error) {
    made = { element: notice(sentence(error), "bad") };
    main.dataset.problem = codeOf(error);
  }
  if (mine !== turn) return made.stop?.();
  view.stop?.();
  view = made;
  put(main, made.element);
  document.body.dataset.ready = "yes";
}

function greet() {
  speak(language());
  const button = document.getElementById("language");
  button.textContent = t("switch_language");
  button.lang = language() === "zh" ? "en" : "zh-HK";
  const state = navigator.onLine ? reach.state : "offline";
  const network = document.getElementById("network");
  network.hidden = state === "here";
  network.textContent = network.hidden ? "" : t(`network_${state}`);
  network.dataset.state = state;
}

async function start() {
  greet();
  takeLetter();
  forgetOld();
  navigator.serviceWorker?.register("/wallet/sw.js").catch(() => {});
  await Promise.all([recall().catch(() => {}), learnWords()]);
  const held = await shownTickets().catch(() => []);
  if (held.length === 1 && !location.hash.slice(2)) history.replaceState(null, "", `#/ticket/${held[0].id}`);
  await render();
  document.getElementById("language").onclick = () => (speak(language() === "zh" ? "en" : "zh"), greet(), render());
  globalThis.addEventListener("hashchange", () => (render(), refresh(), settle()));
  for (const happening of ["online", "offline"]) globalThis.addEventListener(happening, greet);
  reach.addEventListener("change", greet);
  // A form that somebody is filling in stays as it is.
  const tell = () => main.querySelector("form") || render();
  keepFresh(tell);
  listen(tell);
}

start().catch((error) => put(main, h("p", { class: "notice bad" }, sentence(error))));
