// Small charts, which say in words and numbers what they show.

import { h, svg } from "./dom.js";
import { count } from "./format.js";

const [WIDTH, HEIGHT] = [240, 56];
const GAP = 2;

/** Return bars beside their names, in their order: [name, number, more words about it]. */
export function bars(label, entries) {
  const top = Math.max(1, ...entries.map(([, number]) => number));
  return h(
    "ul.chart",
    { "aria-label": label },
    entries.map(([name, number, more = ""]) => {
      const bar = h("div.bar-of");
      bar.style.setProperty("--share", number / top);
      return h("li", {},
        h("div.line", {}, h("span", {}, name), " ", h("span.figures", {}, count(number))),
        h("div.track", {}, bar), h("p.hint", {}, more));
    }),
  );
}

/**
 * Return columns in time, each of parts upon each other: { words, parts: [[name, number]] }.
 * `ends` are the words under the first and the last; `label` says all of it to those who do not see.
 */
export function columns(label, entries, ends) {
  const sums = entries.map(({ parts }) => parts.reduce((sum, [, number]) => sum + number, 0));
  const top = Math.max(1, ...sums);
  const step = WIDTH / entries.length;
  return h(
    "figure",
    {},
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "columns", preserveAspectRatio: "none" },
      ...entries.map((entry, i) => column(entry, i * step, step, top)),
    ),
    h("figcaption.line.hint", { "aria-hidden": "true" }, ends.map((end) => h("span", {}, end))),
  );
}

function column({ words, parts }, x, step, top) {
  const rect = (name, y, height) => svg("rect", {
    x: x + GAP / 2, y, width: step - GAP, height, class: `column ${name}`,
  });
  let y = HEIGHT;
  const drawn = parts.filter(([, number]) => number).map(([name, number]) => {
    // However little it is, it is seen.
    const height = Math.max(1.5, (number / top) * (HEIGHT - 2));
    y -= height;
    return rect(name, Math.max(0, y), height);
  });
  // The whole height answers to the pointer.
  const ground = rect(drawn.length ? "ground" : "none", drawn.length ? 0 : HEIGHT - 1, drawn.length ? HEIGHT : 1);
  return svg("g", {}, svg("title", {}, words), ground, ...drawn);
}
