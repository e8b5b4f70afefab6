// Short words at the edge of the page, read out by screen readers; some can be answered.

import { h, iconButton, say } from "./dom.js";
import { t } from "./words.js";

const SHOWN_MS = 6000;

const shelf = h("div.toasts", { role: "region", "aria-label": "" });
const spoken = h("div.unseen", { role: "status", "aria-live": "polite" });

/** Return what must stand in the page for toasts to be seen and heard. */
export function toastShelf() {
  shelf.setAttribute("aria-label", t("app.name"));
  return [shelf, spoken];
}

/** Say something that is not shown. */
export function announce(text) {
  say(spoken, text);
}

/**
 * Show a text for a while; with `action`, a button that answers it.
 * Return a function that takes it away.
 */
export function toast(text, { action = null, onaction = null, kind = "", ms = SHOWN_MS } = {}) {
  const remove = () => {
    clearTimeout(timer);
    element.remove();
  };
  const element = h(
    `div.toast${kind ? `.${kind}` : ""}`,
    {},
    h("span", {}, text),
    action && h("button.quiet", {
      type: "button",
      onclick: () => {
        remove();
        onaction();
      },
    }, action),
    iconButton("close", t("dismiss"), () => remove()),
  );
  const timer = setTimeout(remove, ms);
  shelf.append(element);
  announce(text);
  return remove;
}
