// One Ed25519 key for each ticket, made by the browser and never shown to this page: it can be used, not read.

const ALGORITHM = "Ed25519";

// Whether this browser can make such keys: "yes", "no", or "insecure" for a page that did not come by https.
export async function keysWork() {
  if (!globalThis.isSecureContext || !crypto.subtle) return "insecure";
  try {
    await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
    return "yes";
  } catch {
    return "no";
  }
}

// {private: CryptoKey, public: bytes}, both of which IndexedDB can keep.
export async function makeKey() {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  return { private: pair.privateKey, public: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

export const signer = (key) => async (message) =>
  new Uint8Array(await crypto.subtle.sign(ALGORITHM, key.private, message));

// A key that nobody keeps, to sign one refusal with. As `entry.js` takes it.
export const passing = async () => signing(await makeKey());

// As `entry.js` takes it.
export const signing = (key) => ({ public: key.public, sign: signer(key) });
