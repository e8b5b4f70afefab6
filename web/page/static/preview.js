// The preview of one address: a video with its qualities, or a playlist to choose from.

import { call } from "./api.js";
import { freshId, h, icon, iconButton, say } from "./dom.js";
import { clock, site } from "./format.js";
import { qualitiesOf } from "./qualities.js";
import { refusalWords } from "./refusals.js";
import { tile } from "./tile.js";
import { t } from "./words.js";

/** Shows what is at an address; tells "changed" when what would be downloaded changes. */
export class Preview extends EventTarget {
  constructor() {
    super();
    this.element = h("section.preview", { "aria-label": t("preview.label"), hidden: true });
    this.url = null;
    this.found = null;
    this.chosen = null;
    this.looking = null;
  }

  /** The addresses of a playlist that are checked, or null for no playlist. */
  get addresses() {
    return this.found?.entries ? [...this.chosen] : null;
  }

  /** What qualities the video has, or null if nothing is known. */
  get qualities() {
    return this.found && !this.found.entries ? qualitiesOf(this.found.formats) : null;
  }

  /** Look at an address; another look ends this one. */
  async look(url) {
    this.close();
    this.url = url;
    this.looking = new AbortController();
    const { signal } = this.looking;
    this.fill(h("p.muted.busy", { role: "status" }, t("submit.previewing")));
    try {
      this.found = await call("POST", "/parse", { body: { url }, signal });
      if (signal.aborted) return;
      this.show();
    } catch (refusal) {
      if (signal.aborted) return;
      this.fill(h("p.fault", { role: "alert" }, icon("alert"), refusalWords(refusal)), this.closer());
    }
    this.dispatchEvent(new Event("changed"));
  }

  /** Show nothing. */
  close() {
    this.looking?.abort();
    this.url = null;
    this.found = null;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.dispatchEvent(new Event("changed"));
  }

  closer() {
    return iconButton("close", t("preview.close"), () => this.close());
  }

  fill(...children) {
    this.element.replaceChildren(...children);
    this.element.hidden = false;
  }

  show() {
    const { found } = this;
    const where = site(found.webpage_url ?? this.url);
    const facts = [
      where,
      found.uploader && t("preview.by", { name: found.uploader }),
      found.entries && t("preview.playlist", { n: found.entries.length }),
    ].filter(Boolean);
    const isSound = !found.entries && found.formats.length > 0 &&
      found.formats.every((format) => format.vcodec === "none");
    this.fill(
      h(
        "div.found",
        {},
        tile({
          site: where, isSound, duration: found.duration_s, isList: Boolean(found.entries),
          picture: found.thumbnail_preview, alt: t("preview.picture", { title: found.title }),
        }),
        h("div", {}, h("h2", { dir: "auto" }, found.title), h("p.muted", {}, facts.join(" · "))),
        this.closer(),
      ),
    );
    if (found.live) {
      this.element.append(h("p.fault", {}, icon("alert"), t("preview.live")));
    }
    if (found.entries) this.element.append(this.entries());
  }

  entries() {
    const { entries } = this.found;
    this.chosen = new Set(entries.map((entry) => entry.url));
    const all = h("input", { type: "checkbox", checked: true, id: freshId() });
    const told = h("span.muted", { role: "status" });
    const boxes = entries.map((entry) => h("input", { type: "checkbox", checked: true, value: entry.url }));
    const tell = () => {
      this.chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      all.checked = this.chosen.size === new Set(boxes.map((box) => box.value)).size;
      all.indeterminate = this.chosen.size > 0 && !all.checked;
      say(told, t("preview.chosen", { n: this.chosen.size, all: entries.length }));
      this.dispatchEvent(new Event("changed"));
    };
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
    const items = entries.map((entry, i) => h("li", {}, h("label", {}, boxes[i],
      h("span", { dir: "auto" }, entry.title || entry.url),
      entry.duration_s !== null && h("span.muted", {}, clock(entry.duration_s)))));
    const list = h("ol.entries", { onchange: tell }, items);
    tell();
    return h(
      "div.stack",
      {},
      h("div.line", {}, h("label", { for: all.id }, all, t("preview.all")), told),
      list,
    );
  }
}
