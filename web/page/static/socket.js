// The socket on which the server tells how far each download is; it comes back by itself.

import { accessToken, refuse } from "./session.js";

const LONGEST_WAIT_MS = 15_000;
const STALE_AFTER_MS = 60_000;
// One that is refused is opened first and closed at once; one that stands so long is good.
const SETTLED_AFTER_MS = 500;
// Beyond as many open tabs as a user may have, this one looks again now and then.
const TOO_MANY = 4429;
const TOKEN_ENDED = 4401;

/** Tells "message" with what was said in `detail`, and "line" with whether it is open. */
export const socket = new EventTarget();

let line = null;
let waitMs = 0;
let timer = null;
let isWanted = false;
let hiddenAt = 0;
// The number of what was told last: a new line goes on behind it. 0: nothing is known yet.
let toldUpTo = 0;

/** Be connected from now on. */
export function connect() {
  isWanted = true;
  // Maybe of another account, whose numbers are others.
  toldUpTo = 0;
  again(0);
}

/** Be connected no more. */
export function disconnect() {
  isWanted = false;
  clearTimeout(timer);
  line?.close(1000);
  line = null;
}

async function open() {
  let token = null;
  try {
    token = await accessToken();
  } catch {
    again(nextWait());
    return;
  }
  if (!isWanted || token === null || line !== null) return;
  const address = new URL("/api/v1/ws/progress", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (toldUpTo) address.searchParams.set("since", toldUpTo);
  const opened = new WebSocket(address, ["bearer", token]);
  line = opened;
  // If nothing was missed, nothing is said.
  opened.addEventListener("open", () => setTimeout(settled, SETTLED_AFTER_MS, opened));
  opened.addEventListener("message", (event) => {
    if (opened !== line) return;
    const message = JSON.parse(event.data);
    toldUpTo = Math.max(toldUpTo, message.seq);
    socket.dispatchEvent(new CustomEvent("message", { detail: message }));
    if (message.type === "snapshot") settled(opened);
  });
  opened.addEventListener("close", (event) => closed(opened, event.code, token));
}

function settled(which) {
  if (which !== line) return;
  waitMs = 0;
  tellLine(true);
}

function closed(which, code, token) {
  if (which !== line) return;
  line = null;
  if (!isWanted) return;
  if (code === TOKEN_ENDED) refuse(token);
  // A token that ends in its own time is renewed without a word of it on the page.
  if (code !== TOKEN_ENDED) tellLine(false);
  again(code === TOO_MANY ? LONGEST_WAIT_MS : nextWait());
}

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(open, ms);
}

function nextWait() {
  const wait = waitMs;
  waitMs = Math.min(LONGEST_WAIT_MS, Math.max(500, waitMs * 2));
  // So that not all come back in the same moment.
  return wait * (0.5 + Math.random() / 2);
}

function tellLine(isOpen) {
  socket.dispatchEvent(new CustomEvent("line", { detail: isOpen }));
}

// A machine that slept may have a line that only looks open; a new one goes on behind it.
function renewLine() {
  if (!isWanted) return;
  const old = line;
  line = null;
  old?.close(1000);
  again(0);
}

addEventListener("online", renewLine);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = performance.now();
  else if (performance.now() - hiddenAt > STALE_AFTER_MS) renewLine();
});
