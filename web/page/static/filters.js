// The filters of the history: words, status, how long it is kept.

import { freshId, h, icon } from "./dom.js";
import { has, t } from "./words.js";

const SEARCH_AFTER_MS = 300;
const STATUSES = ["completed", "pending_cleanup", "expired", "failed", "cancelled"];

/** Return the filters' element and what they let through; `onchange` hears of each change. */
export function filters(onchange) {
  let timer = null;
  const search = h("input", {
    type: "search", maxlength: 200, "aria-label": t("history.search"),
    placeholder: t("history.search_short"), oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(onchange, SEARCH_AFTER_MS);
    },
  });
  const status = choice("history.status", STATUSES.map((name) => [
    name, t(has(`filter.${name}`) ? `filter.${name}` : `status.${name}`),
  ]), onchange);
  return {
    element: h("div.filters", { role: "search" }, h("div.search", {}, icon("search"), search), status),
    get query() {
      return { q: search.value.trim(), status: status.value };
    },
    get isSet() {
      return Boolean(search.value.trim() || status.value);
    },
    /** Whether a download that just ended belongs among what is shown. */
    fits(download) {
      const words = search.value.trim().toLowerCase();
      const text = `${download.title ?? ""}\n${download.url ?? ""}`.toLowerCase();
      return (!status.value || download.status === status.value) && text.includes(words);
    },
  };
}

function choice(key, options, onchange) {
  return h(
    "select",
    { id: freshId(), "aria-label": t(key), onchange },
    h("option", { value: "" }, t("history.any")),
    options.map(([value, label]) => h("option", { value }, label)),
  );
}
