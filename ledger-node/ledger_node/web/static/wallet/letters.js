// The link of a letter: read from behind #, and out of the address bar and the history before anybody looks over a
// shoulder. It stays in this tab until it has done its work, because phones drop tabs while one looks elsewhere.

import { BACK, comeBack } from "./trip.js";

const KEEP = "letter";
const PAGES = { "/activate": readActivation, "/offer": readOffer };

// Takes the address's link, if it is one; leaves the wallet's own address with a route behind it.
export function takeLetter() {
  if (location.pathname === BACK) return comeBack();
  const read = PAGES[location.pathname];
  if (!read) return;
  const letter = location.hash.length > 1 ? read(decodeURIComponent(location.hash.slice(1))) : letterKept();
  sessionStorage.setItem(KEEP, JSON.stringify(letter));
  history.replaceState(null, "", `/wallet/#${location.pathname}`);
}

// The letter's link anew, or that of a listing, for whoever opened it in the wrong place.
export function letterLink() {
  if (location.hash.startsWith("#/listing/")) return location.href;
  const letter = letterKept();
  if (letter?.kind === "activate") return `${location.origin}/activate#${letter.token}`;
  return letter && `${location.origin}/offer#${letter.event}/${letter.deal}/${letter.secret}`;
}

export const letterKept = () => JSON.parse(sessionStorage.getItem(KEEP) ?? "null");

export const letterDone = () => sessionStorage.removeItem(KEEP);

function readActivation(text) {
  return /^[\w-]{16,128}$/.test(text) ? { kind: "activate", token: text } : null;
}

function readOffer(text) {
  const found = /^([\w.~:@-]{1,64})\/([0-9a-f]{64})\/([0-9a-f]{64})$/.exec(text);
  return found ? { kind: "offer", event: found[1], deal: found[2], secret: found[3] } : null;
}
