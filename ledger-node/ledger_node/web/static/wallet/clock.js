// The time as the node has it: the phone's clock, put right by the difference that was measured when there was network.

import { time } from "./api.js";
import { getSetting, putSetting } from "./store.js";

const SETTING = "clock";
const SLOWEST_MS = 3_000;
const EARLY_S = 2;
const KEEPS_MS = 7 * 86_400_000;
// A difference that a holder need not hear of: the gate takes codes that are this old.
export const SMALL_MS = 15_000;
let offset = 0;

export const now = () => Date.now() + offset;
export const seconds = () => Math.floor(now() / 1000);
// When an entry is signed: a little early, because the node takes none that is dated after its own time.
export const signedAt = () => seconds() - EARLY_S;
// How far the phone's clock is ahead, in ms.
export const ahead = () => -offset;

export async function recall() {
  const kept = await getSetting(SETTING);
  if (kept && Math.abs(Date.now() - kept.measured) < KEEPS_MS) offset = kept.offset;
}

// The middle of the exchange stands for its moment (RFC 5905, 8); a slow one says too little.
export async function measure() {
  const before = Date.now();
  const { time_ms } = await time();
  const after = Date.now();
  if (after - before > SLOWEST_MS || after < before) return;
  offset = Math.round(time_ms - (before + after) / 2);
  await putSetting(SETTING, { offset, measured: after });
}
