// The videos of a list, to choose from.

import { freshId, h, say } from "./dom.js";
import { clock } from "./format.js";
import { t } from "./words.js";

/** Return the list of a lookup; `onchange` is called when another choice was made. */
export function chooser(lookup, onchange) {
  const { entries } = lookup.found;
  const all = h("input", { type: "checkbox", id: freshId() });
  const told = h("span.muted", { role: "status" });
  const boxes = entries.map((_, i) =>
    h("input", { type: "checkbox", checked: lookup.chosen.has(i) }));
  const show = () => {
    all.checked = lookup.chosen.size === entries.length;
    all.indeterminate = lookup.chosen.size > 0 && !all.checked;
    say(told, t("preview.chosen", { n: lookup.chosen.size, all: entries.length }));
  };
  const changed = () => {
    lookup.chosen = new Set([...boxes.keys()].filter((i) => boxes[i].checked));
    show();
    onchange();
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    changed();
  });
  const items = entries.map((entry, i) => h("li", {}, h("label", {}, boxes[i],
    h("span", { dir: "auto" }, entry.title || entry.url),
    entry.duration_s !== null && h("span.muted", {}, clock(entry.duration_s)))));
  show();
  return h(
    "div.stack",
    {},
    h("div.line", {}, h("label", { for: all.id }, all, t("preview.all")), told),
    h("ol.entries", { onchange: changed }, items),
  );
}
