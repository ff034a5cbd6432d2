// Words that the node has in both languages, and a refusal in the reader's: our sentence for what the page is about,
// the contract's own for the rest.

import { Problem } from "./api.js";
import { language, t } from "./language.js";
import { TEXTS } from "./texts.js";

const WORDS = "/wallet/words.json";
let refusals = {},
  types = {};

export async function learnWords() {
  const words = await fetch(WORDS)
    .then((answer) => answer.json())
    .catch(() => ({}));
  ({ refusals = {}, types = {} } = words);
}

// What an entry of this type is called.
export const typeName = (type) => types[type]?.[language()] ?? type;

export function sentence(error) {
  const code = codeOf(error);
  if (`problem_${code}` in TEXTS) return t(`problem_${code}`);
  const said = refusals[code];
  if (said) return said[language()];
  return t(error.status >= 500 ? "problem_away" : "problem_other");
}

// Whether the same may go well a moment later.
export const canRetry = (code) => ["offline", "away", "other", "busy", "disk", "too-many-tries"].includes(code);

export function codeOf(error) {
  if (error instanceof Problem) return error.code;
  return error instanceof DOMException && error.name !== "TimeoutError" ? "storage" : "other";
}
