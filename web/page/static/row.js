// One download as it is shown: what it is, how far it is, what can be done with it.

import { isActive, isReady } from "./downloads.js";
import { h, icon, iconButton, say } from "./dom.js";
import { bytes, moment, percent, placeOf, site, span, speed } from "./format.js";
import { failureAndAdvice, failureWords } from "./refusals.js";
import { tile } from "./tile.js";
import { now } from "./time.js";
import { has, t } from "./words.js";

/**
 * Shows one download; `show` brings it up to date without making anything anew that stays.
 * `acts` are called with it: save, retry, choose, cancel, copy, remove, select.
 */
export class Row {
  constructor(download, acts) {
    this.acts = acts;
    this.id = download.history_id;
    this.title = h("h3", { dir: "auto" });
    this.facts = h("p.facts");
    this.meter = h("progress", { max: 100 });
    this.trouble = h("p.trouble");
    this.warnings = h("ul.warnings");
    this.actions = h("div.actions");
    this.box = h("input", { type: "checkbox", onchange: () => acts.select(this.id, this.box.checked) });
    this.body = h("div.body", {}, this.title, this.facts);
    this.element = h("li.row", { "data-id": this.id }, this.body, this.actions);
    this.show(download);
  }

  /** Show the download as it is now. */
  show(download) {
    this.download = download;
    const name = titleOf(download);
    say(this.title, name);
    this.showTile(download);
    this.showFacts();
    const isLive = isActive(download);
    toggle(this.body, this.meter, isLive);
    if (isLive) this.showMeter(download, name);
    toggle(this.body, this.trouble, Boolean(download.error) && download.status !== "completed");
    if (download.error) this.showTrouble(download);
    toggle(this.body, this.warnings, isReady(download) && download.warnings?.length > 0);
    if (download.warnings) this.showWarnings(download.warnings);
    const state = `${download.status} ${download.error?.code} ${download.isCancelling} ${name}`;
    if (state !== this.state) this.showActions(download, name);
    this.state = state;
    this.element.dataset.status = download.status;
  }

  /** Show what changes by time alone. */
  showFacts() {
    say(this.facts, factsOf(this.download).join(" · "));
  }

  showTile(download) {
    const key = `${download.duration_s} ${download.url} ${download.picture !== undefined}`;
    if (key === this.tileKey) return;
    this.tileKey = key;
    const made = tile({
      site: site(download.url ?? ""),
      isSound: /\.(m4a|mp3|opus|ogg|oga|flac|wav)$/.test(download.file_name ?? ""),
      duration: download.duration_s ?? null,
      picture: download.picture,
    });
    this.element.querySelector(".tile")?.remove();
    this.body.before(made);
  }

  showMeter(download, name) {
    this.meter.setAttribute("aria-label", t("row.progress", { title: name }));
    const isMoving = download.status === "running";
    this.meter.classList.toggle("waiting", !isMoving);
    const share = isMoving ? download.percent ?? null : 0;
    if (share === null) this.meter.removeAttribute("value");
    else this.meter.value = share;
  }

  showTrouble(download) {
    const words = isActive(download)
      ? failureWords(download.error)
      : failureAndAdvice(download.error);
    if (this.words === words) return;
    this.words = words;
    this.trouble.replaceChildren(icon("alert"), h("span", {}, words));
    if (download.error.message) this.trouble.title = download.error.message;
  }

  showWarnings(warnings) {
    const told = warnings.map(({ code, message }) =>
      has(`warning.${code}`) ? t(`warning.${code}`, { message }) : message);
    if (this.warned === told.join("\n")) return;
    this.warned = told.join("\n");
    this.warnings.replaceChildren(...told.map((text) => h("li.note", {}, icon("alert"), text)));
  }

  showActions(download, name) {
    const held = this.actions.contains(document.activeElement);
    const { acts, id } = this;
    const textButton = (key, sign, act, style = "") => h(
      `button${style}`,
      { type: "button", "aria-label": t(`row.${key}_one`, { title: name }), onclick: () => act(id) },
      icon(sign),
      t(`row.${key}`),
    );
    const buttons = [];
    if (isReady(download)) {
      buttons.push(iconButton("link", t("row.copy", { title: name }), () => acts.copy(id)));
      buttons.push(textButton("save", "down", acts.save, ".soft"));
    } else if (isActive(download)) {
      buttons.push(download.isCancelling
        ? h("span.muted", {}, t("row.cancelling"))
        : textButton("cancel", "close", acts.cancel, ".quiet"));
    } else if (download.status !== "expired") {
      const isList = download.error?.code === "is_playlist";
      buttons.push(isList
        ? textButton("choose", "list", acts.choose, ".soft")
        : textButton("retry", "retry", acts.retry, ".soft"));
    }
    if (!isActive(download)) {
      buttons.push(iconButton("trash", t("row.delete", { title: name }), () => acts.remove([id])));
      this.box.setAttribute("aria-label", t("row.select", { title: name }));
    }
    toggle(this.element, this.box, !isActive(download), true);
    this.actions.replaceChildren(...buttons);
    // Whoever pressed a button that is gone goes on from the one in its place.
    if (held) this.actions.querySelector("button")?.focus();
  }
}

/** Return what a download is called. */
export function titleOf(download) {
  return download.title || download.file_name || download.previewed || placeOf(download.url ?? "") ||
    t("row.untitled");
}

function toggle(parent, child, isThere, isFirst = false) {
  if (isThere && child.parentNode !== parent) {
    if (isFirst) parent.prepend(child);
    else parent.append(child);
  } else if (!isThere) child.remove();
}

function factsOf(download) {
  // What has no title yet is called by its address, which begins with the site.
  const from = titleOf(download) !== placeOf(download.url ?? "") && site(download.url ?? "");
  return [...(isActive(download) ? liveFacts(download) : endedFacts(download)), from].filter(Boolean);
}

function liveFacts(download) {
  const attempt = download.attempts > 1 && t("row.attempt", { n: download.attempts });
  if (download.status === "queued") return [waitWords(download.waiting), attempt];
  const { percent: share, downloaded_bytes: done, total_bytes: total } = download;
  return [
    t(`stage.${download.stage}`),
    download.waiting && waitWords(download.waiting),
    typeof share === "number" && percent(share),
    total ? t("row.of", { done: bytes(done ?? 0), total: bytes(total) }) : done && bytes(done),
    download.speed_bps && speed(download.speed_bps),
    download.eta_s && t("row.left", { time: span(download.eta_s) }),
    attempt,
  ];
}

function waitWords(waiting) {
  if (!waiting) return t("status.queued");
  const { reason, until } = waiting;
  const isAhead = until !== null && Date.parse(until) > now();
  if (isAhead && has(`waiting.${reason}.until`)) {
    return t(`waiting.${reason}.until`, { time: moment(until) });
  }
  return has(`waiting.${reason}`) ? t(`waiting.${reason}`) : t("status.queued");
}

function endedFacts(download) {
  const { status, expire_at: until } = download;
  const left = until && (Date.parse(until) - now()) / 1000;
  return [
    status === "completed" ? t("mode.archive") : status !== "pending_cleanup" && t(`status.${status}`),
    status === "pending_cleanup" && t("row.kept", { time: span(left) }),
    status === "expired" && until && moment(until),
    download.file_size && bytes(download.file_size),
    download.finished_at && status !== "expired" && moment(download.finished_at),
  ];
}

