// The entrance: sign in, or create an account.

import { callPublic, refusalOf } from "./api.js";
import { otherLanguage } from "./appearance.js";
import { freshId, h, iconButton, say } from "./dom.js";
import { refusalWords } from "./refusals.js";
import { signIn } from "./session.js";
import { t } from "./words.js";

const MIN_PASSWORD = 8;

/** Return the entrance; `hasEnded` says that a session was there before. */
export function entrance({ hasEnded, onlanguage }) {
  const isOpen = document.documentElement.dataset.registration === "open";
  const form = new Form();
  const other = h("button.quiet", { type: "button", onclick: () => form.turn() });
  form.other = other;
  form.show();
  return h(
    "main.entrance",
    { id: "content" },
    h("img.mark", { src: new URL("mark.svg", import.meta.url).pathname, alt: "", width: 56 }),
    h("h1", {}, t("app.name")),
    h("p.muted", {}, hasEnded ? t("enter.ended") : t("app.claim")),
    form.element,
    isOpen && other,
    otherLanguage(onlanguage),
  );
}

class Form {
  constructor() {
    this.isNew = false;
    this.email = h("input", {
      type: "email", name: "email", required: true, autocomplete: "username", maxlength: 254,
      id: freshId(), inputmode: "email",
    });
    const [hint, fault] = [freshId(), freshId()];
    this.password = h("input", {
      type: "password", name: "password", required: true, maxlength: 128, id: freshId(),
      "aria-describedby": `${hint} ${fault}`,
    });
    this.hint = h("p.hint", { id: hint }, t("enter.password_hint"));
    this.fault = h("p.fault", { id: fault, role: "alert" });
    this.button = h("button.primary", { type: "submit" });
    this.eye = iconButton("eye", t("enter.show"), () => this.peek(), { "aria-pressed": "false" });
    this.element = h(
      "form.card.stack",
      { novalidate: true, onsubmit: (event) => this.submit(event) },
      h("div.field", {}, h("label", { for: this.email.id }, t("enter.email")), this.email),
      h(
        "div.field",
        {},
        h("label", { for: this.password.id }, t("enter.password")),
        h("div.with-button", {}, this.password, this.eye),
        this.hint,
      ),
      this.fault,
      this.button,
    );
  }

  show() {
    this.password.autocomplete = this.isNew ? "new-password" : "current-password";
    this.hint.hidden = !this.isNew;
    say(this.button, t(this.isNew ? "enter.register" : "enter.sign_in"));
    say(this.other, t(this.isNew ? "enter.to_sign_in" : "enter.to_register"));
    say(this.fault, "");
  }

  turn() {
    this.isNew = !this.isNew;
    this.show();
    this.email.focus();
  }

  peek() {
    const isShown = this.password.type === "password";
    this.password.type = isShown ? "text" : "password";
    this.eye.setAttribute("aria-pressed", String(isShown));
    this.eye.setAttribute("aria-label", t(isShown ? "enter.hide" : "enter.show"));
  }

  async submit(event) {
    event.preventDefault();
    const [email, password] = [this.email.value.trim(), this.password.value];
    this.refuse(null);
    if (!this.email.checkValidity() || !email) return this.refuse(this.email);
    if (!password || (this.isNew && password.length < MIN_PASSWORD)) {
      return this.refuse(this.password, t("enter.password_hint"));
    }
    this.button.disabled = true;
    try {
      if (this.isNew) await callPublic("POST", "/auth/register", { email, password });
      const answer = await signIn(email, password);
      if (answer?.status === 403) this.refuse(this.email, t("refused.other_address"));
      else if (answer !== null) this.told(await refusalOf(answer));
    } catch (refusal) {
      this.told(refusal instanceof TypeError ? { code: "offline" } : refusal);
    } finally {
      this.button.disabled = false;
    }
    return undefined;
  }

  told(refusal) {
    if (refusal.status === 401) this.refuse(this.password, t("enter.wrong"));
    else if (refusal.status === 409) this.refuse(this.email, t("refused.registration_taken"));
    else if (refusal.status === 403) {
      this.refuse(this.email, t("refused.registration_closed"));
    } else if (this.isNew && refusal.errors?.some(({ field }) => field === "password")) {
      this.refuse(this.password, t("refused.common"));
    } else this.refuse(this.email, refusalWords(refusal));
  }

  refuse(field, text = "") {
    for (const one of [this.email, this.password]) one.removeAttribute("aria-invalid");
    say(this.fault, field === null ? "" : text || t("enter.email_wrong"));
    // The hint says the same.
    this.hint.hidden = !this.isNew || text === this.hint.textContent;
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  }
}
