// The history: everything that has ended, newest first, more as one scrolls.

import { get } from "./api.js";
import { byId, downloads, isActive, take } from "./downloads.js";
import { h, icon, say } from "./dom.js";
import { filters } from "./filters.js";
import { refusalWords } from "./refusals.js";
import { Row } from "./row.js";
import { Selection } from "./selection.js";
import { t } from "./words.js";

const PAGE = 50;
const TICK_MS = 1000;

/** Return the section, and keep it up to date until `signal` ends it. */
export function history(acts, signal) {
  const shown = new History(acts);
  downloads.addEventListener("changed", ({ detail }) => shown.changed(detail), { signal });
  const timer = setInterval(() => shown.tick(), TICK_MS);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    shown.eye.disconnect();
  });
  shown.begin();
  return shown.element;
}

class History {
  constructor(acts) {
    this.rows = new Map();
    this.selection = new Selection(acts);
    this.acts = { ...acts, select: (id, isChosen) => this.selection.set(id, isChosen) };
    this.list = h("ul.rows");
    this.empty = h("div.empty", { hidden: true }, icon("film"), h("p.title"), h("p.muted"));
    this.more = h("button.quiet.wide", { type: "button", onclick: () => this.load() });
    this.filters = filters(() => this.begin());
    this.element = h(
      "section.history",
      { "aria-labelledby": "history-title" },
      h("div.head-line", {}, h("h2", { id: "history-title" }, t("history.title")), this.filters.element),
      this.list,
      this.empty,
      this.more,
      this.selection.element,
    );
    this.eye = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && !this.hasFailed && this.load(),
      { rootMargin: "600px" },
    );
    this.eye.observe(this.more);
  }

  /** Show the first page of what is looked for. */
  begin() {
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
    this.selection.clear();
    this.cursor = null;
    this.isWhole = false;
    this.oldest = Infinity;
    this.loading?.abort();
    this.loading = null;
    this.load();
  }

  async load() {
    if (this.loading || this.isWhole) return;
    const { signal } = this.loading = new AbortController();
    this.hasFailed = false;
    say(this.more, t("history.loading"));
    this.more.hidden = false;
    const askedAt = performance.now();
    try {
      const query = { ...this.filters.query, cursor: this.cursor, limit: PAGE };
      const page = await get("/user/history", query, { signal });
      if (!signal.aborted) this.add(page, askedAt);
    } catch (refusal) {
      if (signal.aborted) return;
      this.hasFailed = true;
      say(this.more, `${refusalWords(refusal)} ${t("try_again")}`);
    }
    if (!signal.aborted) this.loading = null;
    this.again();
  }

  add({ items, next_cursor: cursor }, askedAt) {
    take(items, askedAt);
    this.cursor = cursor;
    this.isWhole = cursor === null;
    this.oldest = Math.min(this.oldest, ...items.map((item) => item.history_id));
    for (const item of items) this.show(item.history_id);
    this.more.hidden = this.isWhole;
    if (!this.isWhole) say(this.more, t("history.more"));
    this.showEmpty();
  }

  // A page may be short or all in progress: the button is then still in sight, and no scroll comes.
  again() {
    if (this.isWhole || this.hasFailed) return;
    this.eye.unobserve(this.more);
    this.eye.observe(this.more);
  }

  changed(ids) {
    for (const id of ids) this.show(id);
    this.showEmpty();
  }

  show(id) {
    const download = byId(id);
    const row = this.rows.get(id);
    const isHere = download !== undefined && !isActive(download) && this.filters.fits(download) &&
      (this.isWhole || id >= this.oldest);
    if (row && isHere) row.show(download);
    else if (row) {
      row.element.remove();
      this.rows.delete(id);
      this.selection.set(id, false);
    } else if (isHere) this.insert(new Row(download, this.acts));
  }

  insert(row) {
    this.rows.set(row.id, row);
    let next = this.list.lastElementChild;
    if (!next || Number(next.dataset.id) > row.id) {
      this.list.append(row.element);
      return;
    }
    next = this.list.firstElementChild;
    while (Number(next.dataset.id) > row.id) next = next.nextElementSibling;
    next.before(row.element);
  }

  showEmpty() {
    const [words, hint] = this.filters.isSet
      ? ["history.no_match", "history.no_match_hint"]
      : ["history.empty", "history.empty_hint"];
    this.empty.hidden = this.rows.size > 0 || !this.isWhole;
    say(this.empty.children[1], t(words));
    say(this.empty.children[2], t(hint));
  }

  tick() {
    for (const row of this.rows.values()) {
      if (row.download.status === "pending_cleanup") row.showFacts();
    }
  }
}
