// The log of webhooks: what each was told, how often it was tried, and telling it again.

import { call, get } from "./api.js";
import { h, say } from "./dom.js";
import { moment, placeOf, span } from "./format.js";
import { refusalWords } from "./refusals.js";
import { toast } from "./toasts.js";
import { has, t } from "./words.js";

const PAGE = 20;
const MOST = 100;
const SHOWN = 3;
const AGAIN_MS = 5000;
const REPLAYS_WITHIN_S = 60;

/** Return the list and the button for more, kept up to date until `signal` ends it. */
export function webhookLog(signal) {
  const log = new WebhookLog(signal);
  const timer = setInterval(() => document.hidden || log.refresh(), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  log.load();
  return [log.empty, log.list, log.more];
}

class WebhookLog {
  constructor(signal) {
    this.signal = signal;
    this.rows = new Map();
    this.cursor = null;
    this.list = h("ul.lines");
    this.empty = h("p.hint", {}, t("history.loading"));
    this.more = h("button.quiet.wide", { type: "button", hidden: true, onclick: () => this.load() },
      t("history.more"));
  }

  /** Show the next page, which is older. */
  async load() {
    this.more.disabled = true;
    try {
      const page = await this.ask({ cursor: this.cursor, limit: PAGE });
      this.follow(page.next_cursor);
      page.items.forEach((item) => this.show(item));
      say(this.empty, this.rows.size ? "" : t("webhooks.nothing"));
    } catch (refusal) {
      if (this.signal.aborted) return;
      say(this.empty, refusalWords(refusal));
      say(this.more, t("try_again"));
      this.more.hidden = false;
    }
    this.more.disabled = false;
  }

  /** Look at the newest again: new ones come, and others go on. */
  async refresh() {
    try {
      const limit = Math.min(MOST, Math.max(PAGE, this.rows.size));
      const page = await this.ask({ limit });
      if (!page.items.some(({ delivery_id: id }) => this.rows.has(id))) this.clear(page);
      page.items.forEach((item) => this.show(item));
    } catch {
      // They stay as they were; whatever is asked next says what is wrong.
    }
  }

  // More have come than were asked for: what lies between is reached from here alone.
  clear({ items, next_cursor: cursor }) {
    this.rows.clear();
    this.list.replaceChildren();
    this.follow(cursor);
    say(this.empty, items.length ? "" : t("webhooks.nothing"));
  }

  follow(cursor) {
    this.cursor = cursor;
    this.more.hidden = cursor === null;
    say(this.more, t("history.more"));
  }

  ask(query) {
    return get("/user/webhook-deliveries", query, { signal: this.signal });
  }

  show(item) {
    const known = this.rows.get(item.delivery_id);
    if (known) {
      known.show(item);
      return;
    }
    const row = new LogRow(item);
    this.rows.set(item.delivery_id, row);
    const older = [...this.list.children].find((one) => Number(one.dataset.id) < item.delivery_id);
    this.list.insertBefore(row.element, older ?? null);
  }
}

class LogRow {
  constructor(item) {
    const event = eventWords(item.event);
    this.badge = h("span.badge");
    this.tries = h("div");
    this.count = h("summary");
    this.earlier = h("div");
    this.folded = h("details", { hidden: true }, this.count, this.earlier);
    this.next = h("p.hint");
    this.again = h("button.quiet", {
      type: "button", onclick: () => this.replay(),
      "aria-label": t("webhooks.again_one", { event, place: placeOf(item.url) }),
    }, t("webhooks.again"));
    this.element = h(
      "li",
      { "data-id": item.delivery_id },
      h("div", {},
        h("p", {}, h("b", {}, event), " ", this.badge),
        h("p.hint", {}, item.url),
        this.tries, this.next, this.folded),
      this.again,
    );
    this.show(item);
  }

  show(item) {
    this.item = item;
    const { status, attempts, next_attempt_at: next } = item;
    const isPending = status === "pending";
    say(this.badge, t(`webhook_status.${status}`));
    this.badge.className = `badge ${status}`;
    this.again.disabled = isPending;
    say(this.next, isPending && next ? t("webhooks.next", { time: moment(next) }) : "");
    const lines = attempts.map(attemptWords).reverse();
    tell(this.tries, lines.slice(0, SHOWN));
    tell(this.earlier, lines.slice(SHOWN));
    this.folded.hidden = lines.length <= SHOWN;
    say(this.count, t("webhooks.earlier", { n: lines.length - SHOWN }));
  }

  async replay() {
    this.again.disabled = true;
    try {
      await call("POST", `/user/webhook-deliveries/${this.item.delivery_id}/replay`);
      this.show({ ...this.item, status: "pending", next_attempt_at: null });
      toast(t("webhooks.begun"));
    } catch (refusal) {
      this.again.disabled = this.item.status === "pending";
      toast(replayRefused(refusal), { kind: "bad" });
    }
  }
}

function replayRefused(refusal) {
  if (refusal.status !== 429) return refusalWords(refusal);
  return t("webhooks.too_often", { time: span(refusal.retryAfterS ?? REPLAYS_WITHIN_S) });
}

function eventWords(event) {
  const key = `webhook_event.${event.split(".").at(-1)}`;
  return has(key) ? t(key) : event;
}

function attemptWords({ at, fault, http_status: status }) {
  return `${moment(at)} · ${outcomeWords(fault, status)}`;
}

function outcomeWords(fault, status) {
  if (status !== null && (fault === null || fault === "status")) return `HTTP ${status}`;
  if (fault === null) return t("webhooks.on_its_way");
  return has(`webhook_fault.${fault}`) ? t(`webhook_fault.${fault}`) : fault;
}

// Left alone if it says the same: somebody may be reading or marking it.
function tell(place, lines) {
  if (lines.join("\n") === place.dataset.told) return;
  place.dataset.told = lines.join("\n");
  place.replaceChildren(...lines.map((line) => h("p.hint", {}, line)));
}
