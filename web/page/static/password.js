// Another password, and the end of every session.

import { call } from "./api.js";
import { freshId, h, say } from "./dom.js";
import { refusalWords } from "./refusals.js";
import { forget, signIn, user } from "./session.js";
import { toast } from "./toasts.js";
import { t } from "./words.js";

/** Return the form, and the button that signs out everywhere. */
export function password() {
  const fault = h("p.fault", { role: "alert" });
  const current = field("password.current", "current-password");
  const next = field("password.next", "new-password");
  const form = h(
    "form.stack",
    { onsubmit: (event) => {
      event.preventDefault();
      change(form, fault);
    } },
    // For password stores, which ask whose it is.
    h("input.unseen", {
      name: "email", autocomplete: "username", value: user.email, readonly: true, tabindex: -1,
      "aria-hidden": "true",
    }),
    h("div.pair", {}, current, next),
    fault,
    h("div.line.wraps", {}, h("button.soft", { type: "submit" }, t("password.change")),
      h("button.quiet", { type: "button", onclick: signOutEverywhere }, t("password.everywhere"))),
  );
  return [form];
}

async function change(form, fault) {
  const { current, next } = form.elements;
  say(fault, "");
  try {
    await call("PUT", "/auth/password", {
      body: { current_password: current.value, new_password: next.value },
    });
    // It ended this session as well.
    await signIn(user.email, next.value);
    for (const used of [current, next]) used.value = "";
    toast(t("password.changed"));
  } catch (refusal) {
    const isNew = refusal.errors?.some(({ field }) => field === "new_password");
    say(fault, refusal.status === 403
      ? t("password.wrong")
      : isNew ? t("refused.common") : refusalWords(refusal));
  }
}

async function signOutEverywhere() {
  try {
    await call("POST", "/auth/logout");
    forget(true);
  } catch (refusal) {
    toast(refusalWords(refusal), { kind: "bad" });
  }
}

function field(key, autocomplete) {
  const id = freshId();
  return h(
    "div.field",
    {},
    h("label", { for: id }, t(key)),
    h("input", {
      type: "password", id, name: key.split(".")[1], autocomplete, required: true, maxlength: 128,
      minlength: autocomplete === "new-password" ? 8 : null,
    }),
  );
}
