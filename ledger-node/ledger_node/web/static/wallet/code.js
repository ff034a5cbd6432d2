// The dynamic code on the screen: new at every time step, with what is left of it, and a screen that stays on.

import { inCode } from "./beacon.js";
import { unhex } from "./bytes.js";
import { now } from "./clock.js";
import { h } from "./dom.js";
import { COMPACT, FULL, QR_VERSION, compact, full, text, timeStep } from "./gatecode.js";
import { signer } from "./keys.js";
import { clockTime, t } from "./language.js";
import { draw } from "./qrcode.js";

const TICK_MS = 200;
// A ticket that came to this phone so lately may be newer than a gate's list.
const FRESH_MS = 3 * 3_600_000;
const CERTIFICATE_MARGIN_MS = 60_000;

export class Code {
  constructor(ticket, beacon) {
    this.ticket = ticket;
    this.beacon = inCode(beacon);
    this.kind = certified(ticket) && now() - ticket.since < FRESH_MS ? FULL : COMPACT;
    this.shown = "";
    this.canvas = h("canvas", { id: "qr", role: "img", "aria-label": "QR" });
    this.bar = h("span", { class: "left" });
    this.next = h("span", { id: "next" });
    this.time = h("span", { class: "time" });
    this.kinds = this.choice();
    this.element = h(
      "div",
      { class: "code" },
      h("div", { class: "paper" }, this.canvas),
      h("span", { class: "bar" }, this.bar),
      h("p", { class: "row under" }, this.next, this.time),
    );
    this.onVisible = () => document.visibilityState === "visible" && this.wake();
    this.onResize = () => {
      this.shown = "";
      this.tick();
    };
  }

  start() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", this.onVisible);
    globalThis.addEventListener("resize", this.onResize);
    this.wake();
    this.tick();
  }

  stop() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
    globalThis.removeEventListener("resize", this.onResize);
    this.lock?.release().catch(() => {});
  }

  // A screen that goes dark in a queue costs everybody behind it time; browsers may say no (battery, no such thing).
  async wake() {
    this.lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
  }

  tick() {
    const { step, zone } = this.ticket.seen.event;
    const left = step - ((now() / 1000) % step);
    this.bar.style.transform = `scaleX(${left / step})`;
    this.next.textContent = t("next_code", { n: Math.ceil(left) });
    this.time.textContent = clockTime(now(), zone);
    const at = timeStep(now(), step);
    const wanted = `${this.kind} ${at}`;
    if (this.shown !== wanted) this.show(wanted, at);
  }

  async show(wanted, at) {
    const width = this.canvas.parentElement?.clientWidth ?? 0;
    if (!width || this.making === wanted) return;
    this.making = wanted;
    const raw = await this.make(at);
    if (this.making === wanted) {
      draw(this.canvas, text(raw), QR_VERSION[this.kind], width);
      this.canvas.dataset.step = at;
      this.canvas.dataset.kind = this.kind;
      this.shown = wanted;
    }
    this.making = "";
  }

  make(at) {
    const { key, seen } = this.ticket;
    if (this.kind === COMPACT) return compact(this.ticket, at, signer(key), this.beacon);
    return full(this.ticket, at, signer(key), unhex(seen.certificate), unhex(seen.ledger_signature), this.beacon);
  }

  choice() {
    const can = certified(this.ticket);
    const buttons = [
      [COMPACT, "compact"],
      [FULL, "full"],
    ].map(([kind, name]) => {
      const choose = () => {
        this.kind = kind;
        buttons.forEach((one) => one.setAttribute("aria-pressed", one === button));
        this.tick();
      };
      const button = h(
        "button",
        {
          class: "half",
          id: name,
          onclick: choose,
          "aria-pressed": String(kind === this.kind),
          disabled: kind === FULL && !can,
        },
        t(name),
      );
      return button;
    });
    const about = h("p", { class: "hint" }, t(can ? "about_full" : "certificate_old"));
    return h("details", { class: "kinds" }, h("summary", {}, t("full")), h("div", { class: "halves" }, buttons), about);
  }
}

// Whether there is a certificate that is still good: issued_at u32 at 12, ttl u16 (minutes) at 16 of its 50 bytes.
function certified({ seen }) {
  if (!seen.certificate) return false;
  const view = new DataView(unhex(seen.certificate).buffer);
  return (view.getUint32(12) + view.getUint16(16) * 60) * 1000 > now() + CERTIFICATE_MARGIN_MS;
}
