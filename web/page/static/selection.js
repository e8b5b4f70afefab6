// The downloads that are selected in the history, and the bar that acts on them.

import { byId, isReady } from "./downloads.js";
import { h, icon, iconButton, say } from "./dom.js";
import { bytes } from "./format.js";
import { t } from "./words.js";

/** The selection; its bar is there while anything is selected. */
export class Selection {
  constructor(acts) {
    this.ids = new Set();
    this.told = h("span", { role: "status" });
    this.zip = h("button.soft", {
      type: "button", onclick: () => acts.saveAll(this.ready().map(({ history_id: id }) => id)),
    }, icon("down"), t("selection.zip"));
    const gone = h("button.quiet", {
      type: "button", onclick: () => acts.remove([...this.ids]),
    }, icon("trash"), t("selection.delete"));
    this.element = h(
      "div.selection",
      { hidden: true, role: "group", "aria-label": t("selection.label") },
      this.told,
      this.zip,
      gone,
      iconButton("close", t("selection.clear"), () => this.clear()),
    );
  }

  /** Select one, or select it no more. */
  set(id, isChosen) {
    if (isChosen) this.ids.add(id);
    else this.ids.delete(id);
    this.show();
  }

  /** Select nothing. */
  clear() {
    this.ids.clear();
    for (const box of document.querySelectorAll(".history .row > input:checked")) box.checked = false;
    this.show();
  }

  ready() {
    return [...this.ids].map(byId).filter((download) => download && isReady(download));
  }

  show() {
    const ready = this.ready();
    const size = ready.reduce((sum, download) => sum + (download.file_size ?? 0), 0);
    const words = [t("selection.count", { n: this.ids.size }), size ? bytes(size) : ""];
    this.element.hidden = !this.ids.size;
    this.zip.disabled = !ready.length;
    say(this.told, words.filter(Boolean).join(" · "));
  }
}
