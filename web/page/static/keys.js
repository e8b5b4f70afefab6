// The personal API keys: made, shown once, ended.

import { call, get } from "./api.js";
import { freshId, h, iconButton } from "./dom.js";
import { day, moment } from "./format.js";
import { refusalWords } from "./refusals.js";
import { toast } from "./toasts.js";
import { t } from "./words.js";

const SCOPES = ["read", "submit", "deliver"];
const LIVES_D = [30, 90, 365];

/** Return the list and the form, until `signal` ends it. */
export function keys(signal) {
  const list = h("div");
  const given = h("div", { role: "status" });
  const show = async () => {
    try {
      const { items } = await get("/auth/keys", {}, { signal });
      list.replaceChildren(items.length ? lines(items, show) : h("p.muted", {}, t("keys.none")));
    } catch (refusal) {
      if (!signal.aborted) list.replaceChildren(h("p.fault", {}, refusalWords(refusal)));
    }
  };
  show();
  return [h("p.muted", {}, t("keys.hint")), list, given, form(given, show)];
}

function lines(items, show) {
  return h("ul.lines", {}, items.map((key) => h(
    "li",
    {},
    h("div", {}, h("b", {}, key.name), " ", h("code.muted", {}, `${key.prefix}…`),
      h("p.hint", {}, [
        key.scopes.map((scope) => t(`scope.${scope}`)).join(", "),
        key.expires_at ? t("keys.until", { day: day(key.expires_at) }) : t("keys.never"),
        key.last_used_at ? t("keys.used", { time: moment(key.last_used_at) }) : t("keys.unused"),
      ].join(" · "))),
    iconButton("trash", t("keys.end", { name: key.name }), () => end(key, show)),
  )));
}

async function end(key, show) {
  try {
    await call("DELETE", `/auth/keys/${key.key_id}`);
    toast(t("keys.ended", { name: key.name }));
  } catch (refusal) {
    toast(refusalWords(refusal), { kind: "bad" });
  }
  show();
}

function form(given, show) {
  const [name, life] = [freshId(), freshId()];
  const made = h(
    "form.stack",
    { onsubmit: (event) => {
      event.preventDefault();
      make(made, given, show);
    } },
    h("div.pair", {},
      h("div.field", {}, h("label", { for: name }, t("keys.name")),
        h("input", { id: name, name: "name", required: true, maxlength: 64, placeholder: t("keys.name_example") })),
      h("div.field", {}, h("label", { for: life }, t("keys.ends")),
        h("select", { id: life, name: "life" },
          LIVES_D.map((days) => h("option", { value: days }, t("keys.days", { n: days }))),
          h("option", { value: "" }, t("keys.never"))))),
    h("fieldset.checks", {}, h("legend", {}, t("keys.scopes")), SCOPES.map((scope) => h(
      "label", {}, h("input", { type: "checkbox", name: "scope", value: scope, checked: scope === "read" }),
      t(`scope.${scope}`),
    ))),
    h("div", {}, h("button.soft", { type: "submit" }, t("keys.make"))),
  );
  return made;
}

async function make(form, given, show) {
  const fields = new FormData(form);
  const scopes = fields.getAll("scope");
  if (!scopes.length) {
    given.replaceChildren(h("p.fault", {}, t("keys.no_scope")));
    return;
  }
  const body = { name: fields.get("name"), scopes };
  if (fields.get("life")) body.expires_in_d = Number(fields.get("life"));
  try {
    const { key } = await call("POST", "/auth/keys", { body });
    const shown = h("input", { value: key, readonly: true, "aria-label": t("keys.key"), onfocus: () => shown.select() });
    given.replaceChildren(h("div.given.stack", {}, h("p", {}, t("keys.once")), shown));
    form.elements.name.value = "";
    shown.focus();
  } catch (refusal) {
    given.replaceChildren(h("p.fault", {}, refusalWords(refusal)));
  }
  show();
}
