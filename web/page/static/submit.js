// The form at the top: addresses, how long to keep what is there, in what quality.

import { addressesIn } from "./addresses.js";
import { kept, keep } from "./choices.js";
import { take } from "./downloads.js";
import { freshId, h, icon, say } from "./dom.js";
import { moment } from "./format.js";
import { Preview } from "./preview.js";
import { anyQualities } from "./qualities.js";
import { refusalWords } from "./refusals.js";
import { submitAll } from "./submitting.js";
import { announce, toast } from "./toasts.js";
import { WebhookField } from "./webhookfield.js";
import { t } from "./words.js";

const MAX_FILE_BYTES = 1_000_000;
const LOOK_AFTER_MS = 600;

// What was pasted outlives a new sign-in and another language.
let draft = "";

/** Return the form. */
export function submitForm() {
  return new SubmitForm().element;
}

class SubmitForm {
  constructor() {
    this.box = h("textarea", {
      id: freshId(), rows: 1, spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      placeholder: t("submit.placeholder"), "aria-describedby": freshId(), value: draft,
      oninput: () => this.typed(), onkeydown: (event) => this.pressed(event),
    });
    this.told = h("p.hint", { id: this.box.getAttribute("aria-describedby"), role: "status" });
    this.refusals = h("div.refusals", { role: "alert" });
    this.quality = h("select", { id: freshId(), name: "quality" });
    this.button = h("button.primary.large", { type: "submit" }, icon("down"), h("span"));
    this.webhook = new WebhookField();
    this.preview = new Preview();
    this.preview.addEventListener("changed", () => this.show());
    this.file = h("input.unseen", {
      type: "file", accept: ".txt,text/plain", tabindex: -1, "aria-hidden": "true",
      onchange: () => this.open(this.file.files[0]),
    });
    this.element = this.form();
    this.show();
    if (draft) requestAnimationFrame(() => this.typed());
  }

  form() {
    const over = (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      this.element.classList.toggle("dropping", event.type === "dragover");
    };
    const drop = (event) => {
      over(event);
      if (event.dataTransfer.files.length) this.open(event.dataTransfer.files[0]);
    };
    return h(
      "form.card.submit",
      {
        "data-drop": t("submit.drop"), onsubmit: (event) => this.submit(event),
        ondragover: over, ondragleave: over, ondrop: drop,
      },
      h("label.title", { for: this.box.id }, t("submit.title")),
      h("div.box", {}, this.box, this.file, h("button.quiet", {
        type: "button", onclick: () => this.file.click(),
      }, icon("file"), t("submit.file"))),
      this.told,
      this.preview.element,
      h(
        "div.choices",
        {},
        keepChoice(),
        h("div.field", {}, h("label", { for: this.quality.id }, t("submit.quality")), this.quality),
        this.button,
      ),
      this.webhook.element,
      this.refusals,
    );
  }

  typed() {
    draft = this.box.value;
    this.box.rows = Math.min(8, Math.max(1, draft.split("\n").length));
    this.refusals.replaceChildren();
    const { found } = addressesIn(draft);
    clearTimeout(this.timer);
    if (found.length !== 1) this.preview.close();
    else if (found[0] !== this.preview.url) {
      this.timer = setTimeout(() => this.preview.look(found[0]), LOOK_AFTER_MS);
    }
    this.show();
  }

  pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (draft.includes("\n") && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.element.requestSubmit();
  }

  async open(file) {
    this.file.value = "";
    if (!file) return;
    if (file.size > MAX_FILE_BYTES) {
      toast(t("submit.too_big"), { kind: "bad" });
      return;
    }
    this.box.value = [draft, await file.text()].filter(Boolean).join("\n");
    this.typed();
    this.box.focus();
  }

  wanted() {
    return this.preview.addresses ?? addressesIn(draft).found;
  }

  show() {
    const { found, others } = addressesIn(draft);
    const n = this.wanted().length;
    const words = [];
    if (found.length > 1) words.push(t("submit.found", { n: found.length }));
    if (others.length && found.length) {
      words.push(t("submit.not_found", { n: others.length, first: others[0].slice(0, 60) }));
    }
    say(this.told, words.join(" · "));
    say(this.button.lastChild, n > 1 ? t("submit.go_many", { n }) : t("submit.go"));
    offer(this.quality, this.preview.qualities ?? anyQualities());
  }

  async submit(event) {
    event.preventDefault();
    const urls = this.wanted();
    if (!urls.length) {
      this.refuse([draft.trim() ? t("submit.none") : t("submit.placeholder")]);
      this.box.focus();
      return;
    }
    const mode = new FormData(this.element).get("mode");
    keep("mode", mode);
    const seen = this.seen();
    const wish = { mode, quality: this.quality.value, webhook: this.webhook.address };
    // Empty at once: whoever has more pastes on while this is on its way.
    this.fill("");
    const askedAt = performance.now();
    const { accepted, refused, stopped } = await submitAll(urls, wish);
    take(accepted.map((item) => ({ ...item, ...seen.get(item.url) })), askedAt);
    this.answered(accepted, refused, stopped);
  }

  fill(text) {
    this.box.value = text;
    this.preview.close();
    this.typed();
    clearTimeout(this.timer);
  }

  // The server learns a title when it fetches; what was previewed has one already, and a picture.
  seen() {
    const { found, url, qualities } = this.preview;
    const seen = new Map(found?.entries?.map((entry) => [entry.url, { previewed: entry.title }]));
    if (qualities) seen.set(url, { previewed: found.title, picture: found.thumbnail_preview });
    return seen;
  }

  answered(accepted, refused, stopped) {
    if (accepted.length) announce(t("submit.accepted", { n: accepted.length }));
    if (!refused.length) return;
    this.fill([...refused.map(({ url }) => url), draft].filter(Boolean).join("\n"));
    if (this.webhook.takes(stopped)) return;
    const told = refused.slice(0, 20).map(({ url, error }) => `${url} — ${refusalWords(error)}`);
    if (stopped) this.refuse([refusalWords(stopped)]);
    else if (refused.length === 1) this.refuse([refusalWords(refused[0].error)]);
    else this.refuse([t("submit.refused", { n: refused.length }), ...told]);
  }

  refuse([first, ...rest]) {
    this.refusals.replaceChildren(
      h("p.fault", {}, icon("alert"), first),
      ...(rest.length ? [h("ul", {}, rest.map((line) => h("li", {}, line)))] : []),
    );
  }
}

function offer(select, options) {
  const before = select.value || "best";
  const signature = options.map(({ value, label }) => value + label).join();
  if (select.dataset.offered === signature) return;
  select.dataset.offered = signature;
  select.replaceChildren(...options.map(({ value, label }) => h("option", { value }, label)));
  select.value = options.some(({ value }) => value === before) ? before : "best";
}

function keepChoice() {
  const chosen = kept("mode", ["quick_download", "archive"]) ?? "quick_download";
  const hours = Number(document.documentElement.dataset.quickTtlH);
  const until = moment(new Date(Date.now() + hours * 3_600_000));
  const one = (value, name, hint, sign) => h(
    "label.segment",
    {},
    h("input", { type: "radio", name: "mode", value, checked: value === chosen }),
    h("span", {}, icon(sign), h("span", {}, h("b", {}, name), h("small", {}, hint))),
  );
  return h(
    "fieldset.segments",
    {},
    h("legend", {}, t("submit.mode")),
    one("quick_download", t("submit.quick"), t("submit.quick_until", { time: until }), "clock"),
    one("archive", t("submit.archive"), t("submit.archive_hint"), "box"),
  );
}
