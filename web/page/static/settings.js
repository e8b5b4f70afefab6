// The settings: how the page looks, the account's password, its keys, its webhooks.

import { appearance } from "./appearance.js";
import { h } from "./dom.js";
import { keys } from "./keys.js";
import { password } from "./password.js";
import { user } from "./session.js";
import { webhooks } from "./webhooks.js";
import { t } from "./words.js";

/** Return the view. */
export function settings({ signal, onlanguage }) {
  return [
    h("h1", {}, t("nav.settings")),
    part("settings.page", appearance(onlanguage)),
    part("settings.account", [h("p.muted", {}, user.email), ...password()]),
    part("settings.keys", keys(signal)),
    part("settings.webhooks", webhooks(signal)),
  ];
}

function part(key, children) {
  const id = key.replace(".", "-");
  return h("section.card.stack", { "aria-labelledby": id }, h("h2", { id }, t(key)), children);
}
