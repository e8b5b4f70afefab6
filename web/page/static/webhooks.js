// Webhooks: the secret that signs them, shown once, and the log of what they were told.

import { call, get } from "./api.js";
import { h } from "./dom.js";
import { moment } from "./format.js";
import { refusalWords } from "./refusals.js";
import { now } from "./time.js";
import { toast } from "./toasts.js";
import { webhookLog } from "./webhooklog.js";
import { t } from "./words.js";

/** Return the secret and the log, until `signal` ends it. */
export function webhooks(signal) {
  return [
    h("p.muted", {}, t("webhooks.hint")),
    ...secret(signal),
    h("h3", {}, t("webhooks.log")),
    ...webhookLog(signal),
  ];
}

function secret(signal) {
  const state = h("p");
  const hint = h("p.hint", { hidden: true }, t("webhooks.rotate_hint"));
  const given = h("div", { role: "status" });
  const button = h("button.soft", { type: "button" }, t("webhooks.make"));
  const show = async () => {
    try {
      const told = await get("/user/webhook-secret", {}, { signal });
      state.replaceChildren(stateWords(told));
      hint.hidden = !told.exists;
      button.replaceChildren(t(told.exists ? "webhooks.rotate" : "webhooks.make"));
    } catch (refusal) {
      if (!signal.aborted) state.replaceChildren(h("span.fault", {}, refusalWords(refusal)));
    }
  };
  button.addEventListener("click", async () => {
    // Two at once would make two, and only one would be seen.
    button.disabled = true;
    await make(given);
    button.disabled = false;
    show();
  });
  show();
  return [
    h("div", {}, state, hint),
    h("div", {}, button),
    given,
  ];
}

function stateWords({ exists, made_at: madeAt, previous_until: until }) {
  if (!exists) return t("webhooks.none");
  const since = t("webhooks.since", { time: moment(madeAt) });
  if (!until || Date.parse(until) < now()) return since;
  return t("sentences", { first: since, second: t("webhooks.old_until", { time: moment(until) }) });
}

async function make(given) {
  try {
    const { secret: made } = await call("POST", "/user/webhook-secret");
    const shown = h("input", {
      value: made, readonly: true, "aria-label": t("webhooks.secret"), onfocus: () => shown.select(),
    });
    given.replaceChildren(h("div.given.stack", {}, h("p", {}, t("webhooks.once")),
      h("div.line", {}, shown,
        h("button.soft", { type: "button", onclick: () => copy(shown) }, t("webhooks.copy")))));
    shown.focus();
  } catch (refusal) {
    given.replaceChildren(h("p.fault", {}, refusalWords(refusal)));
  }
}

async function copy(shown) {
  try {
    await navigator.clipboard.writeText(shown.value);
    toast(t("webhooks.copied"));
  } catch {
    // No clipboard without TLS, or it was refused.
    shown.focus();
    toast(t("webhooks.copy_by_hand"));
  }
}
