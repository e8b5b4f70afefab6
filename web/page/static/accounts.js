// Everybody's accounts, for administrators: search, disable, make an administrator.

import { call, get } from "./api.js";
import { h, icon, say } from "./dom.js";
import { day } from "./format.js";
import { refusalWords } from "./refusals.js";
import { user } from "./session.js";
import { toast } from "./toasts.js";
import { t } from "./words.js";

const SEARCH_AFTER_MS = 300;

/** Return the search and the list, until `signal` ends it. */
export function accounts(signal) {
  const body = h("ul.lines");
  const more = h("button.quiet.wide", { type: "button", onclick: () => load() }, t("history.more"));
  let [timer, cursor, asking] = [null, null, new AbortController()];
  const search = h("input", {
    type: "search", maxlength: 200, "aria-label": t("admin.search"), placeholder: t("admin.search"),
    // What is pressed in a list that is about to go would not show in the one that comes.
    oninput: () => {
      body.inert = true;
      clearTimeout(timer);
      timer = setTimeout(begin, SEARCH_AFTER_MS);
    },
  });
  const load = async () => {
    const { signal: asked } = asking;
    more.disabled = true;
    try {
      const page = await get("/admin/users", { q: search.value.trim(), cursor }, { signal: asked });
      if (asked.aborted) return;
      cursor = page.next_cursor;
      body.append(...page.items.map(row));
      more.hidden = cursor === null;
    } catch (refusal) {
      if (!asked.aborted) toast(refusalWords(refusal), { kind: "bad" });
    }
    if (!asked.aborted) more.disabled = false;
  };
  const begin = () => {
    asking.abort();
    asking = new AbortController();
    cursor = null;
    body.replaceChildren();
    body.inert = false;
    load();
  };
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    asking.abort();
  });
  begin();
  return [
    h("div.search", { role: "search" }, icon("search"), search),
    body,
    more,
  ];
}

function row(account) {
  const role = h("select", { "aria-label": t("admin.role_of", { email: account.email }), value: account.role },
    ["user", "admin"].map((name) => h("option", { value: name }, t(`role.${name}`))));
  role.value = account.role;
  const button = h("button.quiet", { type: "button" });
  const show = () => say(button, t(account.disabled_at ? "admin.enable" : "admin.disable"));
  const change = async (asked) => {
    try {
      Object.assign(account, await call("PATCH", `/admin/users/${account.user_id}`, { body: asked }));
    } catch (refusal) {
      toast(refusal.status === 409 ? t("admin.last") : refusalWords(refusal), { kind: "bad" });
    }
    role.value = account.role;
    show();
  };
  role.addEventListener("change", () => change({ role: role.value }));
  button.addEventListener("click", () => change({ disabled: !account.disabled_at }));
  show();
  const isSelf = account.user_id === user.user_id;
  return h(
    "li",
    {},
    h("div", {}, h("b", {}, account.email),
      h("p.hint", {}, t("admin.since", { day: day(account.created_at) }))),
    isSelf ? t(`role.${account.role}`) : role,
    !isSelf && button,
  );
}
