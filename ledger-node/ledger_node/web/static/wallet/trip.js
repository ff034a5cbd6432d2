// The way to the provider's page and back: which page one left, what was typed there, what the provider says. The
// browser keeps it and not the tab, because the way back may open in another tab; an hour, or until it is used.
//
// Each trip has a random number, which the provider's page carries along and which nobody else can know. A code that
// comes back without the number of a trip is shown to nobody; with the number of a trip that this browser has not made,
// it is shown with it, and counts only where that trip began. So nobody can have a stranger's code used for a ticket.

import { hex, random } from "./bytes.js";

const KEPT = "trip ",
  KEEPS_MS = 3_600_000,
  LETTER = "letter",
  SAID = "said",
  DRAFT = "draft",
  STRAY = "stray",
  NUMBER = /^[0-9a-f]{32}$/;

export const BACK = "/agreed";

// The address that a provider is to lead back to.
export const wayBack = (id) => `${location.origin}${BACK}?trip=${id}`;

// `asked` are the purposes for which the provider is asked.
export const newTrip = (asked) => {
  const id = hex(random(16));
  // Known from now on, because a link that is opened in a new tab is not clicked.
  setOut(id, asked, null);
  return id;
};

// `codes` are those that one has already, because not every provider gives all at once.
export function setOut(id, asked, draft, codes = {}) {
  const route = location.hash;
  const trip = { at: Date.now(), route, asked, letter: sessionStorage.getItem(LETTER), draft, codes };
  localStorage.setItem(KEPT + id, JSON.stringify(trip));
  if (draft) sessionStorage.setItem(DRAFT, JSON.stringify({ route, draft }));
}

// At the address that the provider leads to: on to the page that one left, or to where the codes are shown to be copied.
export function comeBack() {
  const codes = codesOf(location.hash.slice(1));
  const id = new URLSearchParams(location.search).get("trip") ?? "";
  const trip = NUMBER.test(id) ? take(id) : null;
  if (!trip) {
    const told = NUMBER.test(id) ? mapped(codes, (code) => `${code}~${id}`) : {};
    sessionStorage.setItem(STRAY, JSON.stringify(told));
    return history.replaceState(null, "", `/wallet/#${BACK}`);
  }
  const { route, asked, letter, draft, codes: before } = trip;
  // Nothing that was not asked for.
  for (const purpose of Object.keys(codes)) if (!asked.includes(purpose)) delete codes[purpose];
  if (letter) sessionStorage.setItem(LETTER, letter);
  if (draft) sessionStorage.setItem(DRAFT, JSON.stringify({ route, draft }));
  sessionStorage.setItem(SAID, JSON.stringify({ route, codes: { ...before, ...codes } }));
  history.replaceState(null, "", `/wallet/${route}`);
}

// What was typed on the page at hand before one left it; once.
export function takeDraft() {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (kept?.route !== location.hash) return null;
  sessionStorage.removeItem(DRAFT);
  return kept.draft;
}

// What the provider gave for a purpose ("pay", "identify") of the page at hand, until it is used up.
export function agreed(purpose) {
  const kept = JSON.parse(sessionStorage.getItem(SAID) ?? "null");
  return kept?.route === location.hash ? kept.codes[purpose] : undefined;
}

export const useUp = () => sessionStorage.removeItem(SAID);

// A code as it is pasted, without the number of the trip that it came from; null for one of a trip that did not begin on
// this page. A code that was copied in the provider's own app has no number.
export function ours(text) {
  const [code, id, ...more] = text.split("~");
  if (id === undefined) return code;
  const trip = !more.length && NUMBER.test(id) ? JSON.parse(localStorage.getItem(KEPT + id) ?? "null") : null;
  return trip?.route === location.hash ? code : null;
}

// The codes of a trip that began in another browser.
export const stray = () => JSON.parse(sessionStorage.getItem(STRAY) ?? "{}");

export function forgetOld() {
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith(KEPT))) {
    const { at = 0 } = JSON.parse(localStorage.getItem(name));
    if (Math.abs(Date.now() - at) > KEEPS_MS) localStorage.removeItem(name);
  }
}

function take(id) {
  const kept = JSON.parse(localStorage.getItem(KEPT + id) ?? "null");
  localStorage.removeItem(KEPT + id);
  return kept;
}

// "pay/CODE", or "pay=CODE&identify=CODE" for two at once.
export function codesOf(text) {
  if (/^(pay|identify)=/.test(text)) return Object.fromEntries(new URLSearchParams(text));
  const [purpose, ...code] = decoded(text).split("/");
  return purpose && code.length ? { [purpose]: code.join("/") } : {};
}

const mapped = (record, change) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
