// What went wrong, in words, and what to do about it.

import { span } from "./format.js";
import { has, t } from "./words.js";

/** Return a sentence for the code of a failed download. */
export function failureWords(error) {
  return wordsOf("failed", error) ?? error.message;
}

/** Return what a person can do about the code of a failed download. */
function failureAdvice(error) {
  return wordsOf("advice", error) ?? t(error.retryable ? "advice.again" : "advice.other");
}

/** Return both of a failed download. */
export function failureAndAdvice(error) {
  return t("sentences", { first: failureWords(error), second: failureAdvice(error) });
}

/** Return a sentence for a refused request. */
export function refusalWords(refusal) {
  if (refusal.quota && has(`quota.${refusal.quota}`)) return t(`quota.${refusal.quota}`);
  // Of 422 the fault is the address's or its site's, of everything else it is ours.
  const kinds = refusal.status === 422 ? ["failed", "refused"] : ["refused", "failed"];
  const key = kinds.map((kind) => `${kind}.${refusal.code}`).find(has);
  if (key !== undefined) return withDelay(t(key), refusal);
  const first = refusal.errors?.[0];
  return first ? `${first.field}: ${first.message}` : refusal.message;
}

function withDelay(words, { status, retryAfterS }) {
  if (status !== 429 || !retryAfterS) return words;
  const again = t("retry_after", { time: span(retryAfterS) });
  return t("sentences", { first: words, second: again });
}

// A site that is silent for now and a video that is gone share a code.
function wordsOf(kind, { code, retryable }) {
  const keys = [`${kind}.${code}${retryable ? ".for_now" : ""}`, `${kind}.${code}`];
  const key = keys.find(has);
  return key === undefined ? null : t(key);
}
