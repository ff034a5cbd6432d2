// A refusal in the reader's language: ours for what the page is about, the contract's own sentence for the rest.

import { Problem } from "./api.js";
import { language, t } from "./language.js";
import { TEXTS } from "./texts.js";

const REFUSALS = "/wallet/refusals.json";
let refusals = {};

export async function learnRefusals() {
  refusals = await fetch(REFUSALS).then((answer) => answer.json()).catch(() => ({}));
}

export function sentence(error) {
  const code = codeOf(error);
  if (`problem_${code}` in TEXTS) return t(`problem_${code}`);
  const said = refusals[code];
  return said ? said[language()] : t("problem_other");
}

export function codeOf(error) {
  if (error instanceof Problem) return error.code;
  return error instanceof DOMException && error.name !== "TimeoutError" ? "storage" : "other";
}
