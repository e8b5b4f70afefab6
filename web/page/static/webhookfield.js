// The form's further choices: the address that is told how a download ended.

import { freshId, h, icon } from "./dom.js";
import { refusalWords } from "./refusals.js";
import { user } from "./session.js";
import { t } from "./words.js";

// For this visit and this account only: such an address may hold a secret.
let remembered = { userId: null, address: "" };

/** The field, folded away until somebody wants it. */
export class WebhookField {
  constructor() {
    const [hint, fault] = [freshId(), freshId()];
    this.fault = h("div", { id: fault, role: "alert" });
    this.input = h("input", {
      id: freshId(), type: "text", inputmode: "url", spellcheck: "false", autocomplete: "off",
      placeholder: "https://", "aria-describedby": `${hint} ${fault}`, oninput: () => this.typed(),
      value: remembered.userId === user.user_id ? remembered.address : "",
    });
    this.element = h(
      "details",
      { open: this.address !== null },
      h("summary", {}, t("submit.further")),
      h("div.field", {},
        h("label", { for: this.input.id }, t("submit.webhook")),
        this.input,
        h("p.hint", { id: hint }, t("submit.webhook_hint")),
        this.fault),
    );
  }

  /** The address, or null if there is none. */
  get address() {
    return this.input.value.trim() || null;
  }

  typed() {
    remembered = { userId: user.user_id, address: this.input.value };
    this.input.removeAttribute("aria-invalid");
    this.fault.replaceChildren();
  }

  /** Say at the field what is wrong with it. Return whether the refusal was of it at all. */
  takes(refusal) {
    if (!refusal?.errors?.some(({ field }) => field === "webhook")) return false;
    this.element.open = true;
    this.input.setAttribute("aria-invalid", "true");
    this.fault.replaceChildren(h("p.fault", {}, icon("alert"), refusalWords(refusal)));
    this.input.focus();
    return true;
  }
}
