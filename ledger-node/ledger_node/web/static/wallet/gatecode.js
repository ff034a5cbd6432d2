// The gate code, byte for byte as docs/gate-code.md draws it: core, compact and full codes, proof of possession.
// `sign` takes the message and gives the 64 bytes of the holder key's signature. No clock and no key is in here.

import { base45 } from "./base45.js";
import { hex, join, sha256, uint, utf8 } from "./bytes.js";

export const COMPACT = 1,
  FULL = 2;
export const NO_BEACON = Object.freeze({ number: 0, value: new Uint8Array(0) });
// QR versions at level M: 37 x 37 modules and 57 x 57.
export const QR_VERSION = Object.freeze({ [COMPACT]: 5, [FULL]: 10 });
const VERSION = 1;
const HOLDER = utf8("gatecode/v1/holder\0"),
  POSSESSION = utf8("gatecode/v1/possession\0"),
  IDENTITY = utf8("ticketme/v1/possession/identity\0");

export const eventHash = (event) => sha256(utf8(event));

export const timeStep = (ms, step) => Math.floor(ms / 1000 / step);

// `ticket` has event, ticket and owner_seq; the code for a time step.
export const compact = (ticket, step, sign, beacon = NO_BEACON) => code(COMPACT, ticket, step, sign, beacon, []);

// With the certificate and the ledger's signature on it, for gates that know the ticket's key not yet.
export const full = (ticket, step, sign, certificate, ledgerSignature, beacon = NO_BEACON) =>
  code(FULL, ticket, step, sign, beacon, [certificate, ledgerSignature]);

export const text = (raw) => `T${raw[0] & 15}${base45(raw)}`;

export async function possession(ticket, publicKey) {
  const subject = join(uint(ticket.ticket, 4), uint(ticket.owner_seq, 2));
  return join(POSSESSION, await eventHash(ticket.event), subject, publicKey);
}

// By the key that the wallet provider is to speak about: the attestation under this reference is its holder's own.
export async function identityProof(event, key, authorisation, sign) {
  const about = await sha256(join(utf8(`${event}\0${authorisation}\0`), key));
  const reference = `id-${hex(about).slice(0, 48)}`;
  return hex(await sign(join(IDENTITY, await eventHash(event), key, utf8(reference))));
}

async function code(kind, ticket, step, sign, beacon, certified) {
  const hash = await eventHash(ticket.event);
  const core = join(
    uint((VERSION << 4) | kind, 1),
    hash.subarray(0, 4),
    uint(ticket.ticket, 4),
    uint(ticket.owner_seq, 2),
    uint(step, 4),
    uint(beacon.number, 1),
  );
  const signature = await sign(join(HOLDER, hash, core, beacon.value, ...certified));
  return join(core, ...certified, signature);
}
