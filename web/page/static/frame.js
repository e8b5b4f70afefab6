// What stands around the views: the head with its ways, and the view that the address names.

import * as acts from "./acts.js";
import { byId, downloads, isReady } from "./downloads.js";
import { h, icon, say } from "./dom.js";
import { history } from "./history.js";
import { inProgress } from "./inprogress.js";
import { quota } from "./quota.js";
import { failureWords } from "./refusals.js";
import { removeNow } from "./removals.js";
import { titleOf } from "./row.js";
import { signOut, user } from "./session.js";
import { socket } from "./socket.js";
import { submitForm } from "./submit.js";
import { announce } from "./toasts.js";
import { t } from "./words.js";

/** Return the frame with the view of the address, until `signal` ends it. */
export function frame({ signal }) {
  const main = h("main", { id: "content" });
  const head = header();
  let standing = new AbortController();

  const show = (isMove) => {
    standing.abort();
    standing = new AbortController();
    const name = viewName();
    for (const link of head.querySelectorAll("nav a")) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${t(`nav.${name}`)} · ${t("app.name")}`;
    main.className = name;
    main.replaceChildren(...view(standing.signal));
    if (isMove) {
      scrollTo(0, 0);
      main.tabIndex = -1;
      main.focus({ preventScroll: true });
    }
  };

  addEventListener("hashchange", () => show(true), { signal });
  signal.addEventListener("abort", () => standing.abort());
  downloads.addEventListener("ended", ({ detail }) => tellEnd(detail), { signal });
  show(false);
  return [head, lineNotice(signal), main];
}

function viewName() {
  return "downloads";
}

function view(signal) {
  return [
    h("h1.unseen", {}, t("nav.downloads")),
    h("div.column", {}, submitForm(), inProgress(acts, signal), history(acts, signal)),
    quota(signal),
  ];
}

function header() {
  const way = (name, sign) => h(
    "a", { href: `#/${name === "downloads" ? "" : name}`, "data-view": name }, icon(sign), h("span", {}, t(`nav.${name}`)),
  );
  const leave = async () => {
    await removeNow();
    await signOut();
  };
  return h(
    "header.head",
    {},
    h("a.brand", { href: "#/" },
      h("img", { src: new URL("mark.svg", import.meta.url).pathname, alt: "", width: 28, height: 28 }),
      h("span", {}, t("app.name"))),
    h("nav", { "aria-label": t("nav.label") },
      way("downloads", "down")),
    h("span.who", { title: user.email }, user.nickname ?? user.email),
    h("button.quiet.leave", { type: "button", onclick: leave }, icon("door"), h("span", {}, t("nav.sign_out"))),
  );
}

function lineNotice(signal) {
  const notice = h("div.line-notice", { role: "status" });
  socket.addEventListener("line", ({ detail: isOpen }) => {
    say(notice, isOpen ? "" : t("line.away"));
  }, { signal });
  return notice;
}

function tellEnd(id) {
  const download = byId(id);
  if (!download) return;
  const title = titleOf(download);
  if (isReady(download)) announce(t("ended.ready", { title }));
  else if (download.status === "cancelled") announce(t("ended.cancelled", { title }));
  else if (download.error) announce(t("ended.failed", { title, reason: failureWords(download.error) }));
}
