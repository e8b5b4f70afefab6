// Small charts, which say in words and numbers what they show.

import { h, svg } from "./dom.js";
import { count } from "./format.js";

const [WIDTH, HEIGHT] = [240, 56];

/** Return bars beside their names, the longest first: [name, number]. */
export function bars(label, entries, most = 8) {
  const sorted = [...entries].sort((a, b) => b[1] - a[1]).slice(0, most);
  const top = Math.max(1, ...sorted.map(([, number]) => number));
  return h(
    "ul.chart",
    { "aria-label": label },
    sorted.map(([name, number]) => {
      const bar = h("div.bar-of");
      bar.style.setProperty("--share", number / top);
      return h("li", {},
        h("div.line", {}, h("span", {}, name), " ", h("span.figures", {}, count(number))), bar);
    }),
  );
}

/** Return columns in time: numbers with the name of the first and the last. */
export function columns(label, numbers, [first, last]) {
  const top = Math.max(1, ...numbers);
  const step = WIDTH / numbers.length;
  const drawn = numbers.map((number, i) => {
    const height = number ? Math.max(2, (number / top) * HEIGHT) : 1;
    return svg("rect", {
      x: i * step + 1, y: HEIGHT - height, width: step - 2, height, rx: 1.5,
      class: number ? "column" : "column none",
    });
  });
  return h(
    "figure",
    {},
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "columns", preserveAspectRatio: "none" }, ...drawn),
    h("figcaption.line.hint", { "aria-hidden": "true" }, h("span", {}, first), h("span", {}, last)),
  );
}

/** Return how often each key occurs among items. */
export function counted(items, keyOf) {
  const found = new Map();
  for (const item of items) {
    const key = keyOf(item);
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}
