// The socket on which the server tells how far each download is; it comes back by itself. Where
// a proxy lets none through, the same is asked for now and then.

import { addressOf } from "./place.js";
import { Polling } from "./polling.js";
import { accessToken, refuse } from "./session.js";

const LONGEST_WAIT_MS = 15_000;
const STALE_AFTER_MS = 60_000;
// One that is refused is opened first and closed at once; one that stands so long is good.
const SETTLED_AFTER_MS = 500;
// Beyond as many open tabs as a user may have, this one looks again now and then.
const TOO_MANY = 4429;
const TOKEN_ENDED = 4401;
// A proxy may keep a socket waiting for good instead of refusing it.
const OPEN_WITHIN_MS = 10_000;
// So often in a row none opens while the server does answer: it is what lies between that refuses.
const SHUT_AFTER = 2;
const SHUT_WAIT_MS = 60_000;

/**
 * Tells "message" with what was said in `detail`, "line" with whether the server can be heard, and
 * "shut" with whether no socket gets through to it.
 */
export const socket = new EventTarget();

const polling = new Polling(hearPoll);
let timesShut = 0;

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
  polling.stop();
  timesShut = 0;
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
  const address = addressOf("/api/v1/ws/progress");
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  if (toldUpTo) address.searchParams.set("since", toldUpTo);
  const opened = new WebSocket(address, ["bearer", token]);
  line = opened;
  const late = setTimeout(() => opened.close(), OPEN_WITHIN_MS);
  let isOpen = false;
  // If nothing was missed, nothing is said.
  opened.addEventListener("open", () => {
    isOpen = true;
    clearTimeout(late);
    setTimeout(settled, SETTLED_AFTER_MS, opened);
  });
  opened.addEventListener("message", (event) => {
    if (opened !== line) return;
    const message = JSON.parse(event.data);
    toldUpTo = Math.max(toldUpTo, message.seq);
    tell("message", message);
    if (message.type === "snapshot") settled(opened);
  });
  opened.addEventListener("close", (event) => {
    clearTimeout(late);
    if (isOpen) closed(opened, event.code, token);
    else shut(opened);
  });
}

function settled(which) {
  if (which !== line) return;
  waitMs = 0;
  timesShut = 0;
  polling.stop();
  tell("shut", false);
  tell("line", true);
}

/** See whether the server answers although no socket opens. */
async function shut(which) {
  if (which !== line) return;
  line = null;
  if (!isWanted) return;
  again(polling.isOn ? SHUT_WAIT_MS : nextWait());
  if (polling.isOn) return;
  await polling.ask(new AbortController().signal);
  if (timesShut < SHUT_AFTER || !isWanted || line?.readyState === WebSocket.OPEN) return;
  polling.start();
  tell("shut", true);
  again(SHUT_WAIT_MS);
}

function hearPoll(snapshot) {
  if (!isWanted) return;
  timesShut = snapshot === null ? 0 : timesShut + 1;
  if (snapshot !== null) {
    const isNews = snapshot.seq !== toldUpTo;
    toldUpTo = Math.max(toldUpTo, snapshot.seq);
    tell("message", { ...snapshot, type: "snapshot", isNews });
  }
  tell("line", snapshot !== null);
}

function closed(which, code, token) {
  if (which !== line) return;
  line = null;
  if (!isWanted) return;
  if (code === TOKEN_ENDED) refuse(token);
  // A token that ends in its own time is renewed without a word of it on the page.
  if (code === TOO_MANY) polling.start();
  else if (code !== TOKEN_ENDED && !polling.isOn) tell("line", false);
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

function tell(what, detail) {
  socket.dispatchEvent(new CustomEvent(what, { detail }));
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
