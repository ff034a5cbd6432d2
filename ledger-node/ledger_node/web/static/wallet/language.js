// Which language the page speaks, and how it writes times and money.

import { TEXTS } from "./texts.js";

const KEY = "language";
// Times are told in the zone of the event that they are about. A ticket that was stored before events told theirs has none.
const HONG_KONG = "Asia/Hong_Kong";
const LOCALES = { zh: "zh-HK", en: "en-HK" };
let chosen = null;

export function language() {
  chosen ??= kept() ?? ((navigator.languages ?? [navigator.language]).some(isChinese) ? "zh" : "en");
  return chosen;
}

// The first language that the browser asks for and we have decides; a reader of both chooses.
const isChinese = (tag, place, tags) => /^zh\b/i.test(tag) && !tags.slice(0, place).some((one) => /^en\b/i.test(one));

function kept() {
  try {
    const value = localStorage.getItem(KEY);
    return value in LOCALES ? value : null;
  } catch {
    return null;
  }
}

export function speak(name) {
  chosen = name;
  document.documentElement.lang = LOCALES[name];
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

export const locale = () => LOCALES[language()];

export function t(name, values = {}) {
  const said = TEXTS[name][language()];
  return said.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

const DATE = { year: "numeric", month: "long", day: "numeric", weekday: "short" };
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const format = (options, zone) => new Intl.DateTimeFormat(locale(), { timeZone: zone ?? HONG_KONG, ...options });

export const day = (seconds, zone) => format(DATE, zone).format(seconds * 1000);
export const hour = (seconds, zone) => format(TIME, zone).format(seconds * 1000);
export const moment = (seconds, zone) =>
  format({ month: "short", day: "numeric", ...TIME }, zone).format(seconds * 1000);
export const clockTime = (ms, zone) => format({ ...TIME, second: "2-digit" }, zone).format(ms);

export const inLanguage = (zh, en) => (language() === "zh" ? zh : en);

// Cents of what somebody typed, like 880 or 880.50; null for anything else.
export function cents(text) {
  const found = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.replace(/[,\s]/g, ""));
  return found && Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

export function money(cents, currency = "HKD") {
  if (cents === 0) return t("free");
  return new Intl.NumberFormat(locale(), { style: "currency", currency }).format(cents / 100);
}
