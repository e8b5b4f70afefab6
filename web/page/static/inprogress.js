// What is queued or running, each with its bar.

import { activeOnes, byId, downloads, isActive } from "./downloads.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";
import { Row } from "./row.js";
import { t } from "./words.js";

// More bars than these nobody watches; the rest waits behind a button.
const FIRST = 20;

/** Return the section, and keep it up to date until `signal` ends it. */
export function inProgress(acts, signal) {
  const list = h("ul.rows");
  const number = h("span.number");
  const more = h("button.quiet.wide", { type: "button", onclick: () => {
    isWhole = true;
    arrange();
  } });
  const section = h(
    "section.progress-section",
    { "aria-labelledby": "now-title" },
    h("h2", { id: "now-title" }, t("now.title"), " ", number),
    list,
    more,
  );
  const rows = new Map();
  let isWhole = false;

  const arrange = () => {
    const all = activeOnes();
    const shown = isWhole ? all : all.slice(0, FIRST);
    const ids = new Set(shown.map((download) => download.history_id));
    for (const [id, row] of rows) {
      if (!ids.has(id)) {
        row.element.remove();
        rows.delete(id);
      }
    }
    shown.forEach((download, i) => {
      const row = rows.get(download.history_id) ?? new Row(download, acts);
      rows.set(download.history_id, row);
      if (list.children[i] !== row.element) list.insertBefore(row.element, list.children[i] ?? null);
    });
    section.hidden = !all.length;
    say(number, count(all.length));
    more.hidden = shown.length === all.length;
    say(more, t("now.more", { n: all.length - shown.length }));
  };

  downloads.addEventListener("changed", ({ detail: ids }) => {
    // Figures change many times a second, the order seldom.
    let isMoved = false;
    for (const id of ids) {
      const download = byId(id);
      const row = rows.get(id);
      const isHere = download !== undefined && isActive(download);
      if (row && isHere) {
        isMoved ||= row.download.status !== download.status;
        row.show(download);
      } else if (row || isHere) isMoved = true;
    }
    if (isMoved) arrange();
  }, { signal });
  arrange();
  return section;
}
