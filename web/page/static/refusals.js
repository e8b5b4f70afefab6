// What went wrong, in words, and what to do about it.

import { span } from "./format.js";
import { has, t } from "./words.js";

/** Return a sentence for the code of a failed download. */
export function failureWords(error) {
  const key = `failed.${error.code}`;
  return has(key) ? t(key) : error.message;
}

/** Return what a person can do about the code of a failed download. */
export function failureAdvice(error) {
  const key = `advice.${error.code}`;
  return has(key) ? t(key) : t(error.retryable ? "advice.again" : "advice.other");
}

/** Return a sentence for a refused request. */
export function refusalWords(refusal) {
  if (refusal.quota && has(`quota.${refusal.quota}`)) return t(`quota.${refusal.quota}`);
  const after = refusal.retryAfterS ? ` ${t("retry_after", { time: span(refusal.retryAfterS) })}` : "";
  for (const key of [`refused.${refusal.code}`, `failed.${refusal.code}`]) {
    if (has(key)) return t(key) + (refusal.status === 429 ? after : "");
  }
  const first = refusal.errors?.[0];
  return first ? `${first.field}: ${first.message}` : refusal.message;
}
