// What is queued or running, each with its bar.

import { activeOnes, askForWaits, byId, downloads, isActive } from "./downloads.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";
import { Row } from "./row.js";
import { t } from "./words.js";

// More bars than these nobody watches; the rest waits behind a button.
const FIRST = 20;
// What the queued ones wait for is asked for soon after one is queued, and then now and then.
const WAITS_SOON_MS = 1_000;
const WAITS_AGAIN_MS = 10_000;

/** Return the section, and keep it up to date until `signal` ends it. */
export function inProgress(acts, signal) {
  const shown = new InProgress(acts, signal);
  downloads.addEventListener("changed", ({ detail }) => shown.changed(detail), { signal });
  shown.arrange();
  signal.addEventListener("abort", () => clearTimeout(shown.timer));
  return shown.element;
}

class InProgress {
  constructor(acts, signal) {
    this.acts = acts;
    this.signal = signal;
    this.rows = new Map();
    this.most = FIRST;
    this.list = h("ul.rows");
    this.number = h("span.number");
    this.timer = null;
    this.more = h("button.quiet.wide", { type: "button", onclick: () => this.showAll() });
    this.element = h(
      "section.progress-section",
      { "aria-labelledby": "now-title" },
      h("h2", { id: "now-title" }, t("now.title"), " ", this.number),
      this.list,
      this.more,
    );
  }

  showAll() {
    this.most = Infinity;
    this.arrange();
  }

  /** Bring rows up to date: figures change many times a second, the order seldom. */
  changed(ids) {
    let isMoved = false;
    for (const id of ids) {
      const download = byId(id);
      const row = this.rows.get(id);
      const isHere = download !== undefined && isActive(download);
      if (row && isHere) {
        isMoved ||= row.download.status !== download.status;
        row.show(download);
      } else if (row || isHere) isMoved = true;
    }
    if (isMoved) this.arrange();
  }

  /** Put the first of them into their order. */
  arrange() {
    const all = activeOnes();
    const shown = all.slice(0, this.most);
    const ids = new Set(shown.map((download) => download.history_id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    shown.forEach((download, i) => this.place(download, i));
    this.watchWaits(all, WAITS_SOON_MS);
    this.element.hidden = !all.length;
    say(this.number, count(all.length));
    this.more.hidden = shown.length === all.length;
    say(this.more, t("now.more", { n: all.length - shown.length }));
  }

  watchWaits(all, ms) {
    const waiting = all.filter((download) => download.status === "queued");
    if (this.timer !== null || !waiting.length || this.signal.aborted) return;
    const isKnown = waiting.every((download) => download.waiting);
    this.timer = setTimeout(async () => {
      if (!document.hidden) await askForWaits();
      this.timer = null;
      this.watchWaits(activeOnes(), WAITS_AGAIN_MS);
    }, isKnown ? WAITS_AGAIN_MS : ms);
  }

  place(download, i) {
    const row = this.rows.get(download.history_id) ?? new Row(download, this.acts);
    this.rows.set(download.history_id, row);
    const before = this.list.children[i] ?? null;
    if (before !== row.element) this.list.insertBefore(row.element, before);
  }
}
