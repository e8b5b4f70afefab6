// The form at the top: addresses, how long to keep what is there, in what quality.

import { addressesIn } from "./addresses.js";
import { kept, keep } from "./choices.js";
import { ContainerField } from "./containerfield.js";
import { take } from "./downloads.js";
import { freshId, h, icon, say } from "./dom.js";
import { moment } from "./format.js";
import { Lookups } from "./lookups.js";
import { Preview } from "./preview.js";
import { anyQualities } from "./qualities.js";
import { refusalWords } from "./refusals.js";
import { submitAll } from "./submitting.js";
import { now } from "./time.js";
import { announce, toast } from "./toasts.js";
import { WebhookField } from "./webhookfield.js";
import { t } from "./words.js";

const MAX_FILE_BYTES = 1_000_000;
// After so long it is submitted without a look; of a list the server then starts nothing.
const PATIENCE_MS = 30_000;

// What was pasted outlives a new sign-in and another language, as does what is looked at.
let draft = "";
// What the last press did not take: it is named until something else is written.
let left = "";
const lookups = new Lookups();
// How many addresses of a press wait for what is there.
let waiting = 0;
let form = null;

/** Return the form. */
export function submitForm() {
  form = new SubmitForm();
  return form.element;
}

lookups.addEventListener("changed", () => form?.preview.bringUp());

/** Put addresses before what is in the box. */
function putBack(urls) {
  const text = [...new Set(urls), draft].filter(Boolean).join("\n");
  if (form) form.fill(text);
  else draft = text;
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
    this.quality = h("select", {
      id: freshId(), name: "quality", onchange: () => this.container.show(this.quality.value),
    });
    this.container = new ContainerField();
    this.button = h("button.primary.large", { type: "submit" }, icon("down"), h("span"));
    this.webhook = new WebhookField();
    this.preview = new Preview(lookups);
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
        this.container.element,
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
    this.preview.show(addressesIn(draft).found);
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

  show() {
    const { found, others } = addressesIn(draft);
    const n = this.preview.items(found).length;
    const words = [];
    if (waiting) words.push(t("submit.waiting", { n: waiting }));
    if (found.length > 1) words.push(t("submit.found", { n: found.length }));
    if (others.length && (found.length || draft === left)) {
      words.push(t("submit.not_found", { n: others.length, first: others[0].slice(0, 60) }));
    }
    say(this.told, words.join(" · "));
    say(this.button.lastChild, n > 1 ? t("submit.go_many", { n }) : t("submit.go"));
    offer(this.quality, this.preview.qualities ?? anyQualities());
    this.container.show(this.quality.value);
  }

  async submit(event) {
    event.preventDefault();
    const { found: urls, others } = addressesIn(draft);
    if (!urls.length) {
      this.refuse([draft.trim() ? t("submit.none") : t("submit.placeholder")]);
      this.box.focus();
      return;
    }
    const wish = this.wish();
    keep("mode", wish.mode);
    this.container.keep();
    const letGo = lookups.hold(urls);
    try {
      if (this.preview.isWhole(urls)) {
        const items = this.preview.items(urls);
        if (!items.length) {
          this.refuse([t("preview.choose")]);
          return;
        }
        this.leave(others);
        await this.send(items, wish);
      } else {
        this.leave(others);
        await this.lookAndSend(urls, wish);
      }
    } finally {
      letGo();
    }
  }

  wish() {
    const mode = new FormData(this.element).get("mode");
    return {
      mode,
      quality: this.quality.value,
      container: this.container.value,
      live: this.preview.isRecorded ? "record" : undefined,
      webhook: this.webhook.address,
    };
  }

  /** Send addresses once it is known that none of them is a list; else show the lists. */
  async lookAndSend(urls, wish) {
    this.wait(urls.length);
    await lookups.over(urls, PATIENCE_MS);
    this.wait(-urls.length);
    if (urls.some((url) => lookups.of(url).isList)) offerLists(urls);
    else await this.send(this.preview.items(urls), wish);
  }

  wait(n) {
    waiting += n;
    form.show();
  }

  async send(items, wish) {
    const askedAt = performance.now();
    const { accepted, refused, stopped } = await submitAll(items, wish);
    // The server learns a title when it fetches; what was previewed has one, and a picture.
    take(accepted.map(({ row, item }) => ({ ...row, ...item.seen })), askedAt);
    form.answered(accepted, refused, stopped);
  }

  /** Leave only what was not taken: whoever has more pastes on while the rest is on its way. */
  leave(others) {
    left = others.join("\n");
    this.fill(left);
  }

  fill(text) {
    this.box.value = text;
    this.typed();
    if (text) lookups.begin();
  }

  answered(accepted, refused, stopped) {
    if (accepted.length) announce(t("submit.accepted", { n: accepted.length }));
    if (!refused.length) return;
    const urls = refused.map(({ item }) => item.url);
    for (const url of urls) lookups.of(url)?.choose(refused.map(({ item }) => item));
    if (refused.every(({ error }) => error.code === "is_playlist")) {
      lookups.again(urls);
      offerLists(urls);
      return;
    }
    putBack(urls);
    if (this.webhook.takes(stopped)) return;
    const told = refused.slice(0, 20)
      .map(({ item, error }) => `${item.title ?? item.url} — ${refusalWords(error)}`);
    if (stopped) this.refuse([refusalWords(stopped)]);
    else if (refused.length === 1) this.refuse([refusalWords(refused[0].error)]);
    else this.refuse([t("submit.refused", { n: refused.length }), ...told]);
  }

  refuse([first, ...rest], kind = "fault") {
    this.refusals.replaceChildren(
      h(`p.${kind}`, {}, icon(kind === "fault" ? "alert" : "list"), first),
      ...(rest.length ? [h("ul", {}, rest.map((line) => h("li", {}, line)))] : []),
    );
  }
}

/** Put addresses into the box, where the lists among them are shown to choose from. */
export function offerLists(urls) {
  putBack(urls);
  form.refuse([t("submit.is_list")], "note");
  form.box.focus();
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
  const until = moment(new Date(now() + hours * 3_600_000));
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
