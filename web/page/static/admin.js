// The administration: what goes on now, the last days, nodes, failures, proxies, accounts.

import { accounts } from "./accounts.js";
import { get } from "./api.js";
import { bars, columns } from "./charts.js";
import { h } from "./dom.js";
import { count, dayInUtc, percent, span } from "./format.js";
import { meter } from "./meter.js";
import { nodes } from "./nodes.js";
import { failureWords, refusalWords } from "./refusals.js";
import { t } from "./words.js";

const AGAIN_MS = 10_000;
const MAX_BARS = 8;
const MAX_EXITS = 10;
const ENDS = [["completed", "status.completed"], ["failed", "status.failed"], ["cancelled", "status.cancelled"]];

/** Return the view; its figures are read again until `signal` ends it. */
export function admin(signal) {
  const cards = ["now", "days", "nodes", "sites", "reasons", "proxies"].map((name) => card(name));
  const [now, days, places, sites, reasons, exits] = cards.map(({ body }) => body);
  const ask = (path) => get(`/admin/${path}`, {}, { signal });
  const show = () => Promise.all([
    fill([now, days, sites, reasons], signal, ask("overview"), overview),
    fill([places], signal, ask("nodes"), ({ items }) => [nodes(items)]),
    fill([exits], signal, ask("proxies"), (told) => [proxies(told)]),
  ]);
  const timer = setInterval(() => document.hidden || show(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  show();
  return [
    h("h1", {}, t("nav.admin")),
    h("div.cards", {}, cards.map(({ element }) => element)),
    h("section.card.stack", { "aria-labelledby": "admin-accounts" },
      h("h2", { id: "admin-accounts" }, t("admin.accounts")), accounts(signal)),
  ];
}

function card(name) {
  const id = `admin-${name}`;
  const body = h("div", {}, h("p.muted", {}, t("history.loading")));
  const element = h(`section.card.stack.of-${name}`, { "aria-labelledby": id },
    h("h2", { id }, t(`admin.${name}`)), body);
  return { body, element };
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

function overview({ queued, queued_oldest_s: oldest, stages, days, failed_codes: codes, failed_sites: sites }) {
  const running = stages.reduce((sum, stage) => sum + stage.running, 0);
  return [
    h("div.stack", {},
      figures([["status.running", count(running)], ["status.queued", count(queued)]]),
      bars(t("admin.stages"), stages.map(({ stage, running: n }) => [t(`stage.${stage}`), n])),
      queued > 0 && oldest >= 1 && h("p.hint", {}, t("admin.oldest", { time: span(oldest) }))),
    lately(days),
    failures("sites", sites.map(({ site, number, codes: [first] }) => [site, number, reason(first)])),
    failures("reasons", codes.map((one) => [reason(one), one.number])),
  ];
}

function figures(facts) {
  return h("dl.figures-list", {}, facts.map(([key, shown, style = ""]) => h(
    `div${style}`, {}, h("dt", {}, t(key)), h("dd", {}, shown),
  )));
}

function lately(days) {
  const sums = ENDS.map(([name, key]) => {
    const sum = days.reduce((all, day) => all + day[name], 0);
    return [key, count(sum), `.${name}`];
  });
  const words = (facts) => facts.map(([key, n]) => `${t(key)} ${n}`).join(", ");
  const drawn = days.map((day) => ({
    words: `${dayInUtc(day.day)}: ${words(ENDS.map(([name, key]) => [key, count(day[name])]))}`,
    parts: ENDS.map(([name]) => [name, day[name]]),
  }));
  return h("div.stack", {}, figures(sums),
    columns(`${t("admin.days")}: ${words(sums)}`, drawn, [dayInUtc(days[0].day), t("admin.today")]));
}

function failures(name, entries) {
  const shown = entries.length
    ? bars(t(`admin.${name}`), entries.slice(0, MAX_BARS))
    : h("p.muted", {}, t("admin.no_failures"));
  return h("div.stack", {}, shown, h("p.hint", {}, t("admin.of_days")));
}

function reason({ code }) {
  return failureWords({ code, message: code || t("unknown") });
}

function proxies({ provider, acquisitions, failures: failed, exits }) {
  const facts = [
    ["admin.provider", provider], ["admin.acquired", count(acquisitions)], ["admin.failed", count(failed)],
  ];
  return h(
    "div.stack",
    {},
    figures(provider === "none" ? [["admin.provider", t("admin.no_provider")]] : facts),
    exits.length > 0 && h("ul.nodes", {}, exits.slice(0, MAX_EXITS).map(proxyExit)),
  );
}

function proxyExit({ exit_name: name, score, running }) {
  const bar = meter(t("admin.score", { name }));
  bar.show(score, percent(score * 100), false);
  return h("li.bar", {}, h("div.line", {}, h("span", {}, name),
    h("span.figures", {}, `${percent(score * 100)} · ${t("node.running", { n: running })}`)), bar.element);
}
