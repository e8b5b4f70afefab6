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
export function frame({ signal, onlanguage }) {
  const main = h("main", { id: "content" });
  const head = header();
  let standing = new AbortController();

  const show = async (isMove) => {
    standing.abort();
    const mine = standing = new AbortController();
    const name = viewName();
    for (const link of head.querySelectorAll("nav a")) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${t(`nav.${name}`)} · ${t("app.name")}`;
    const parts = await view(name, mine.signal, onlanguage);
    if (mine.signal.aborted) return;
    main.className = name;
    main.replaceChildren(...parts);
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
  const name = location.hash.replace(/^#\/?/, "");
  return name === "settings" || (name === "admin" && user.role === "admin") ? name : "downloads";
}

async function view(name, signal, onlanguage) {
  if (name === "settings") return (await import("./settings.js")).settings({ signal, onlanguage });
  if (name === "admin") return (await import("./admin.js")).admin(signal);
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
    // Whoever comes next begins where everybody does.
    globalThis.history.replaceState(null, "", location.pathname);
  };
  return h(
    "header.head",
    {},
    h("a.brand", { href: "#/" },
      h("img", { src: new URL("mark.svg", import.meta.url).pathname, alt: "", width: 28, height: 28 }),
      h("span", {}, t("app.name"))),
    h("nav", { "aria-label": t("nav.label") },
      way("downloads", "down"), way("settings", "gear"),
      user.role === "admin" && way("admin", "chart")),
    h("span.who", { title: user.email }, user.nickname ?? user.email),
    h("button.quiet.leave", { type: "button", "aria-label": t("nav.sign_out"), onclick: leave }, icon("door"), h("span", {}, t("nav.sign_out"))),
  );
}

function lineNotice(signal) {
  const notice = h("div.line-notice", { role: "status" });
  let [isAway, isShut] = [false, false];
  const show = () => {
    // Whoever set up the server can let sockets through; nobody else misses anything but speed.
    const isTold = isShut && user?.role === "admin";
    say(notice, isAway ? t("line.away") : isTold ? t("line.shut") : "");
  };
  socket.addEventListener("line", ({ detail: isOpen }) => {
    isAway = !isOpen;
    show();
  }, { signal });
  socket.addEventListener("shut", ({ detail }) => {
    isShut = detail;
    show();
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
