// The venue's beacon: a value that is shown or sent there and goes into the codes of an event that asks for it. A link
// like /wallet/#/beacon/EVENT/NUMBER/VALUE (32 hex digits) brings it; a later one takes its place.

import { unhex } from "./bytes.js";
import { now } from "./clock.js";
import { NO_BEACON } from "./gatecode.js";
import { getSetting, putSetting } from "./store.js";

const KEEPS_MS = 12 * 3_600_000;
const setting = (event) => `beacon ${event}`;

// Keeps what a link brought; whether it was one.
export async function takeBeacon([event, number, value]) {
  const good = /^[1-9]\d{0,2}$/.test(number ?? "") && Number(number) < 256 && /^[0-9a-f]{32}$/.test(value ?? "");
  if (good) await putSetting(setting(event), { number: Number(number), value, at: now() });
  return good;
}

// The newest one of the event, or null; events that do not ask for one get none, so that nobody's link spoils a code.
export async function beaconOf({ event, seen }) {
  if (!seen.event.beacon_required) return null;
  const kept = await getSetting(setting(event));
  return kept && now() - kept.at < KEEPS_MS ? kept : null;
}

// As a code takes it.
export const inCode = (kept) => (kept ? { number: kept.number, value: unhex(kept.value) } : NO_BEACON);
