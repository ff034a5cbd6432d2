// Canonical CBOR (RFC 8949, 4.2), writing only: what a ledger entry may hold. Integers from 0 to 2^53 - 1, texts, byte
// strings (Uint8Array), true, false, null, lists and maps with texts as keys; shortest forms, keys in order.

import { join, uint, utf8 } from "./bytes.js";

const UINT = 0,
  BYTES = 2,
  TEXT = 3,
  LIST = 4,
  MAP = 5;
const FALSE = 0xf4,
  TRUE = 0xf5,
  NULL = 0xf6;

export function cbor(value) {
  if (value === null) return Uint8Array.of(NULL);
  if (typeof value === "boolean") return Uint8Array.of(value ? TRUE : FALSE);
  if (typeof value === "number") return head(UINT, value);
  if (typeof value === "string") return headed(TEXT, utf8(value));
  if (value instanceof Uint8Array) return headed(BYTES, value);
  if (Array.isArray(value)) return join(head(LIST, value.length), ...value.map(cbor));
  if (typeof value === "object") return map(Object.entries(value));
  throw new TypeError(`an entry holds no ${typeof value}`);
}

function map(items) {
  const written = items.map(([key, value]) => [cbor(key), cbor(value)]).sort(([one], [other]) => order(one, other));
  return join(head(MAP, written.length), ...written.flat());
}

// Bytewise, as the encoded keys stand.
function order(one, other) {
  const at = one.findIndex((byte, place) => byte !== other[place]);
  return at < 0 ? one.length - other.length : one[at] - (other[at] ?? -1);
}

const headed = (kind, bytes) => join(head(kind, bytes.length), bytes);

function head(kind, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no such integer`);
  const high = kind << 5;
  if (value < 24) return Uint8Array.of(high | value);
  const place = [0x100, 0x10000, 0x100000000].findIndex((limit) => value < limit);
  const power = place < 0 ? 3 : place;
  return join(Uint8Array.of(high | (24 + power)), uint(value, 1 << power));
}
