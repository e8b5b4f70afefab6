// The page: who is signed in sees the views, everybody else the entrance.

import { forgetAll } from "./downloads.js";
import { h } from "./dom.js";
import { entrance } from "./entrance.js";
import { frame } from "./frame.js";
import { expectRemovals } from "./removals.js";
import { renew, session, user } from "./session.js";
import { connect, disconnect } from "./socket.js";
import { showTheme } from "./theme.js";
import { toast, toastShelf } from "./toasts.js";
import { load, t } from "./words.js";

const AGAIN_MS = 3000;

const app = document.getElementById("app");
const shelf = h("div");
let hasEnded = false;
let standing = null;

/** Show everything anew: another user, another language. */
async function render() {
  await load();
  standing?.abort();
  standing = new AbortController();
  shelf.replaceChildren(...toastShelf());
  const shown = user === null
    ? [entrance({ hasEnded, onlanguage: render })]
    : frame({ signal: standing.signal, onlanguage: render });
  app.replaceChildren(h("a.skip", { href: "#content", onclick: skip }, t("app.skip")), ...shown);
}

function skip(event) {
  // The address after # is the view's.
  event.preventDefault();
  const content = document.getElementById("content");
  content.tabIndex = -1;
  content.focus();
}

session.addEventListener("begun", () => {
  hasEnded = false;
  forgetAll();
  expectRemovals();
  connect();
  render();
});
session.addEventListener("ended", ({ detail: isByHand }) => {
  hasEnded = !isByHand;
  disconnect();
  render();
});
addEventListener("unhandledrejection", (event) => {
  // A module of an older version that is not there any more.
  const isOld = event.reason instanceof TypeError && /module/i.test(event.reason.message);
  toast(t(isOld ? "new_version" : "unforeseen"), {
    kind: "bad", action: t("reload"), onaction: () => location.reload(), ms: 60_000,
  });
});

async function begin() {
  try {
    await renew();
  } catch {
    // The server is busy or away; somebody who is signed in need not do it again.
    setTimeout(begin, AGAIN_MS);
  }
}

async function start() {
  showTheme();
  document.body.append(shelf);
  await begin();
  if (user === null) await render();
}

start();
