// What the user may use and uses, as bars.

import { get } from "./api.js";
import { activeOnes, downloads } from "./downloads.js";
import { h, say } from "./dom.js";
import { bytes, count, moment } from "./format.js";
import { meter } from "./meter.js";
import { t } from "./words.js";

const AGAIN_AFTER_MS = 2000;
// The largest limit there is, as of the first administrator: never reached.
const NO_LIMIT = 1e15;

/** Return the bars, and keep them up to date until `signal` ends it. */
export function quota(signal) {
  const today = bar("use.today", count);
  const archive = bar("use.archive", bytes);
  const active = bar("use.active", count);
  const show = async () => {
    try {
      const told = await get("/user/quota", {}, { signal });
      today.show(told.daily_downloads, t("use.resets", { time: moment(told.daily_downloads.resets_at) }));
      const { limit, used, reserved } = told.archive_bytes;
      archive.show({ limit, used: used + reserved });
      active.show(told.active_downloads);
    } catch {
      // The bars stay as they were; whatever is asked next says what is wrong.
    }
  };
  let timer = null;
  const later = () => {
    timer ??= setTimeout(() => {
      timer = null;
      show();
    }, AGAIN_AFTER_MS);
  };
  let before = activeOnes().length;
  downloads.addEventListener("changed", () => {
    const now = activeOnes().length;
    if (now !== before) later();
    before = now;
  }, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  show();
  return h(
    "aside.use.card",
    { "aria-labelledby": "use-title" },
    h("h2", { id: "use-title" }, t("use.title")),
    today.element, archive.element, active.element,
  );
}

function bar(key, shown) {
  const line = meter(t(key));
  const words = h("span.figures");
  const note = h("p.hint");
  return {
    element: h("div.bar", {}, h("div.line", {}, h("span", {}, t(key)), words), line.element, note),
    show({ used, limit }, hint = "") {
      const isEndless = limit >= NO_LIMIT;
      const text = isEndless ? shown(used) : t("use.of", { used: shown(used), limit: shown(limit) });
      line.show(limit ? Math.min(1, used / limit) : 1, text);
      say(words, text);
      say(note, hint);
    },
  };
}
