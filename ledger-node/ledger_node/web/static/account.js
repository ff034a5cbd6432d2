// The pages of accounts: passkeys in the browser, the rest by the API. Nothing is kept here between two pages.
"use strict";

const one = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

class Problem extends Error {}

async function ask(method, path, body) {
  const init = { method, headers: {}, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(`/v1/accounts${path}`, init);
  const value = await answer.json();
  if (!answer.ok) throw new Problem(value.code);
  return value;
}

function show(code) {
  const known = document.querySelector(`#problems [data-code="${CSS.escape(code)}"]`);
  const words = known || document.querySelector('#problems [data-code="other"]');
  const box = one("problem");
  box.replaceChildren(...[...words.childNodes].map((node) => node.cloneNode(true)));
  box.dataset.code = code;
  box.hidden = false;
}

// One act at a time; what goes wrong is said on the page.
function act(button, run) {
  return async (event) => {
    event?.preventDefault();
    one("problem").hidden = one("done").hidden = true;
    if (button) button.disabled = true;
    try {
      await run();
    } catch (error) {
      show(error instanceof Problem ? error.message : error instanceof DOMException ? "no-passkey" : "other");
    } finally {
      if (button) button.disabled = false;
    }
  };
}

async function makePasskey(options) {
  const known = (options.excludeCredentials || []).map((item) => ({ ...item, id: bytes(item.id) }));
  const user = { ...options.user, id: bytes(options.user.id) };
  const publicKey = { ...options, challenge: bytes(options.challenge), user, excludeCredentials: known };
  const made = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = made.response;
  return credential(made, { clientDataJSON, attestationObject });
}

async function usePasskey(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: [] };
  const used = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
  return credential(used, { clientDataJSON, authenticatorData, signature, ...(userHandle && { userHandle }) });
}

function credential(given, parts) {
  const response = Object.fromEntries(Object.entries(parts).map(([name, buffer]) => [name, text(buffer)]));
  return { id: given.id, rawId: text(given.rawId), type: given.type, response, clientExtensionResults: {} };
}

const pages = {
  login() {
    const button = one("use-passkey"), form = one("coded");
    button.onclick = act(button, async () => {
      const { options } = await ask("POST", "/login/begin", {});
      await ask("POST", "/login/finish", { credential: await usePasskey(options) });
      location.assign("/account");
    });
    form.onsubmit = act(form.querySelector("button"), async () => {
      const { name, key, code } = Object.fromEntries(new FormData(form));
      await ask("POST", "/login/code", { name, key, code });
      location.assign("/account");
    });
  },

  async join() {
    const token = location.hash.slice(1), button = one("make-passkey");
    // Out of the address bar and the history, before anybody looks over a shoulder.
    history.replaceState(null, "", location.pathname);
    const { account } = await ask("POST", "/join/begin", { token });
    one("name").textContent = account.name;
    one("invited").hidden = false;
    button.onclick = act(button, async () => {
      const { options } = await ask("POST", "/join/begin", { token });
      await ask("POST", "/join/finish", { token, credential: await makePasskey(options) });
      location.assign("/account");
    });
  },

  async account() {
    const me = await ask("GET", "/me").catch((error) => {
      if (error.message !== "not-signed-in") throw error;
      location.replace("/account/login");
      return new Promise(() => {});
    });
    for (const name of ["name", "role", "organisation"]) one(name).textContent = me[name] || "–";
    one("logout").onclick = act(one("logout"), async () => {
      await ask("POST", "/logout", {});
      location.assign("/account/login");
    });
    one("more").onclick = act(one("more"), async () => {
      const { options } = await ask("POST", "/passkeys/begin", {});
      await ask("POST", "/passkeys/finish", { credential: await makePasskey(options) });
      one("done").hidden = false;
    });
    const form = one("confirm");
    one("second").onclick = act(one("second"), async () => {
      const made = await ask("POST", "/second-way/begin", {});
      one("second-key").value = made.key;
      one("second-secret").value = made.secret;
      one("second-uri").href = made.uri;
      form.hidden = false;
    });
    form.onsubmit = act(form.querySelector("button"), async () => {
      await ask("POST", "/second-way/finish", { code: new FormData(form).get("code") });
      form.reset();
      form.hidden = true;
      one("done").hidden = false;
    });
    await listSessions(me.session);
  },
};

// The zone of the house's events; Hong Kong's while it has none, or has them in several.
async function zoneOfEvents() {
  const zones = new Set((await (await fetch("/v1/events")).json()).map((event) => event.zone));
  return zones.size === 1 ? [...zones][0] : "Asia/Hong_Kong";
}

async function listSessions(own) {
  const timeZone = await zoneOfEvents();
  const when = new Intl.DateTimeFormat("zh-HK", { dateStyle: "short", timeStyle: "short", timeZone });
  const rows = (await ask("GET", "/sessions")).map((session) => {
    const row = one("session").content.firstElementChild.cloneNode(true);
    const said = [when.format(session.since * 1000), when.format(session.seen * 1000), session.address];
    said.forEach((words, column) => (row.cells[column].textContent = words));
    const button = row.querySelector("button");
    if (session.number === own) button.remove();
    button.onclick = act(button, async () => {
      await ask("DELETE", `/sessions/${session.number}`);
      await listSessions(own);
    });
    return row;
  });
  one("sessions").replaceChildren(...rows);
}

act(null, async () => {
  await pages[document.body.dataset.page]();
  document.body.dataset.ready = "yes";
})();
