// The link of a letter: read from behind #, and out of the address bar and the history before anybody looks over a
// shoulder. It stays in this tab until it has done its work, because phones drop tabs while one looks elsewhere.

const KEEP = "letter";
const PAGES = { "/activate": readActivation, "/offer": readOffer };
const AGREED = "/agreed";

// Takes the address's link, if it is one; leaves the wallet's own address with a route behind it.
export function takeLetter() {
  if (location.pathname === AGREED) return comeBack(location.hash.slice(1));
  const read = PAGES[location.pathname];
  if (!read) return;
  const letter = location.hash.length > 1 ? read(decodeURIComponent(location.hash.slice(1))) : letterKept();
  sessionStorage.setItem(KEEP, JSON.stringify(letter));
  history.replaceState(null, "", `/wallet/#${location.pathname}`);
}

// The letter's link anew, for whoever opened it in the wrong place.
export function letterLink() {
  const letter = letterKept();
  if (letter?.kind === "activate") return `${location.origin}/activate#${letter.token}`;
  return letter && `${location.origin}/offer#${letter.event}/${letter.deal}/${letter.secret}`;
}

// Whether another app shows this page in a window of its own, whose memory is not that of the phone's browser.
export const inAnotherApp = () =>
  /; wv\)|\b(FBAN|FBAV|Instagram|Line|MicroMessenger|WhatsApp|GSA)\b/.test(navigator.userAgent);

export const letterKept = () => JSON.parse(sessionStorage.getItem(KEEP) ?? "null");

export const letterDone = () => sessionStorage.removeItem(KEEP);

function readActivation(text) {
  return /^[\w-]{16,128}$/.test(text) ? { kind: "activate", token: text } : null;
}

function readOffer(text) {
  const found = /^([\w.~:@-]{1,64})\/([0-9a-f]{64})\/([0-9a-f]{64})$/.exec(text);
  return found ? { kind: "offer", event: found[1], deal: found[2], secret: found[3] } : null;
}

// Off to the provider's page and back to where one was: the route, what was typed, and what the provider says.
const WAY = "way",
  YES = "agreed";

export const leaveFor = (draft = null) => sessionStorage.setItem(WAY, JSON.stringify({ route: location.hash, draft }));

function comeBack(text) {
  const { route = "#/" } = JSON.parse(sessionStorage.getItem(WAY) ?? "{}");
  const [purpose, ...code] = decodeURIComponent(text).split("/");
  if (purpose && code.length) sessionStorage.setItem(YES, JSON.stringify({ ...said(), [purpose]: code.join("/") }));
  history.replaceState(null, "", `/wallet/${route}`);
}

const said = () => JSON.parse(sessionStorage.getItem(YES) ?? "{}");

// What the provider gave for a purpose ("pay", "identify"), until it is used up.
export const agreed = (purpose) => said()[purpose];
export const useUp = () => sessionStorage.removeItem(YES);

// What was typed before one left; once.
export function takeDraft() {
  const way = JSON.parse(sessionStorage.getItem(WAY) ?? "null");
  sessionStorage.removeItem(WAY);
  return way?.route === location.hash ? way.draft : null;
}
