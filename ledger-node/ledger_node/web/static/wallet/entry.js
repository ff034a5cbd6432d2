// Ledger entries that a holder signs. raw = signature (64) | payload; payload = canonical CBOR of {type, event, at,
// actor, body}; the signature covers "ticketme/v1/entry/" | type | 0 | payload. What is allowed, the ledger decides.

import { hex, join, sha256, utf8 } from "./bytes.js";
import { cbor } from "./cbor.js";

const INVITATION = utf8("ticketme/v1/invitation\0");

// `key` has `public` (32 bytes) and sign(message).
export async function seal(type, event, at, body, key) {
  const payload = cbor({ type, event, at, actor: key.public, body });
  return join(await key.sign(join(utf8(`ticketme/v1/entry/${type}\0`), payload)), payload);
}

// A draft that the node wrote: signed only if its message is of this type, and its payload has our key and `about`.
export async function sealDraft(type, { payload, message }, key, about = []) {
  const expected = join(utf8(`ticketme/v1/entry/${type}\0`), payload);
  const missing = [key.public, ...about].some((part) => !hex(payload).includes(hex(part)));
  if (missing || hex(expected) !== hex(message)) throw new Error("the node wrote something else");
  return join(await key.sign(message), payload);
}

// What an offer names in place of the person who was sent the secret.
export const invitation = (secret) => sha256(join(INVITATION, secret));

export const dealId = async (raw) => hex(await sha256(raw));
