// The administration: nodes, queues, failures, proxies, accounts.

import { accounts } from "./accounts.js";
import { get } from "./api.js";
import { bars, columns, counted } from "./charts.js";
import { h } from "./dom.js";
import { count, moment, percent, site } from "./format.js";
import { meter } from "./meter.js";
import { nodes } from "./nodes.js";
import { failureWords, refusalWords } from "./refusals.js";
import { t } from "./words.js";

const AGAIN_MS = 10_000;
const PAGE = 100;
const HOURS = 24;
const MAX_EXITS = 10;

/** Return the view; its figures are read again until `signal` ends it. */
export function admin(signal) {
  const places = ["nodes", "queue", "lately", "sites", "reasons", "proxies"]
    .map((name) => [name, card(`admin.${name}`)]);
  const by = Object.fromEntries(places.map(([name, { body }]) => [name, body]));
  const newestOnes = h("div");
  by.queue.after(newestOnes);
  const ask = (path, query = {}) => get(`/admin/${path}`, query, { signal });
  const newest = (status = null) => ask("downloads", { limit: PAGE, status });
  const show = () => Promise.all([
    fill([by.nodes], signal, ask("nodes"), ({ items }) => [nodes(items)]),
    fill([by.queue], signal, Promise.all([newest("running"), newest("queued")]), queue),
    fill([newestOnes, by.lately], signal, newest(), lately),
    fill([by.sites, by.reasons], signal, newest("failed"), failures),
    fill([by.proxies], signal, ask("proxies"), (told) => [proxies(told)]),
  ]);
  const timer = setInterval(() => document.hidden || show(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  show();
  return [
    h("h1", {}, t("nav.admin")),
    h("div.cards", {}, places.map(([, { element }]) => element)),
    h("section.card.stack", { "aria-labelledby": "admin-accounts" },
      h("h2", { id: "admin-accounts" }, t("admin.accounts")), accounts(signal)),
  ];
}

function card(key) {
  const id = key.replace(".", "-");
  const body = h("div", {}, h("p.muted", {}, t("history.loading")));
  return { body, element: h("section.card.stack", { "aria-labelledby": id }, h("h2", { id }, t(key)), body) };
}

async function fill(places, signal, asking, made) {
  try {
    const parts = made(await asking);
    places.forEach((place, i) => place.replaceChildren(parts[i]));
  } catch (refusal) {
    if (signal.aborted) return;
    if (refusal.status === undefined) throw refusal;
    for (const place of places) place.replaceChildren(h("p.fault", {}, refusalWords(refusal)));
  }
}

function queue([running, queued]) {
  const told = ({ items, next_cursor: cursor }) => `${count(items.length)}${cursor === null ? "" : "+"}`;
  return [figures([["status.running", told(running)], ["status.queued", told(queued)]])];
}

function figures(facts) {
  return h("dl.figures-list", {}, facts.map(([key, shown]) => h(
    "div", {}, h("dt", {}, t(key)), h("dd", {}, shown),
  )));
}

function lately({ items, next_cursor: cursor }) {
  const more = t(cursor === null ? "admin.of_all" : "admin.of_newest", { n: items.length });
  const statuses = counted(items, ({ status }) => t(`status.${status}`));
  const perHour = new Array(HOURS).fill(0);
  for (const { created_at: at } of items) {
    const hour = Math.floor((Date.now() - Date.parse(at)) / 3_600_000);
    if (hour < HOURS) perHour[HOURS - 1 - hour] += 1;
  }
  const sum = perHour.reduce((a, b) => a + b, 0);
  const begin = moment(new Date(Date.now() - HOURS * 3_600_000));
  return [
    items.length
      ? h("div.stack", {}, bars(t("admin.newest"), statuses), h("p.hint", {}, more))
      : none(),
    columns(t("admin.lately_words", { n: sum }), perHour, [begin, t("admin.now")]),
  ];
}

function failures({ items }) {
  if (!items.length) return [none("admin.no_failures"), none("admin.no_failures")];
  return [
    bars(t("admin.sites"), counted(items, ({ url }) => site(url))),
    bars(t("admin.reasons"), counted(items, ({ error }) => error ? failureWords(error) : t("unknown"))),
  ];
}

function proxies({ provider, acquisitions, failures: failed, exits }) {
  const facts = [
    ["admin.provider", provider], ["admin.acquired", count(acquisitions)], ["admin.failed", count(failed)],
  ];
  return h(
    "div.stack",
    {},
    figures(facts),
    h("ul.nodes", {}, exits.slice(0, MAX_EXITS).map(proxyExit)),
  );
}

function proxyExit({ exit_name: name, score, running }) {
  const bar = meter(t("admin.score", { name }));
  bar.show(score, percent(score * 100));
  return h("li.bar", {}, h("div.line", {}, h("span", {}, name),
    h("span.figures", {}, `${percent(score * 100)} · ${t("node.running", { n: running })}`)), bar.element);
}

function none(key = "history.empty") {
  return h("p.muted", {}, t(key));
}
