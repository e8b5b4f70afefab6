// Every download that this page knows of: what the rows said, and over it what the socket says.

import { get } from "./api.js";
import { socket } from "./socket.js";

const LOOKS_AT_ONCE = 3;
const NEWEST = 50;
const FIGURES = ["percent", "downloaded_bytes", "total_bytes", "speed_bps", "eta_s", "waiting"];
const WISHES = ["error", "isCancelling"];

/** Tells "changed" with a set of ids in `detail`, at most once a frame, and "ended" with one. */
export const downloads = new EventTarget();

const known = new Map();
// When the socket last spoke of one: an answer that was asked for before that is older.
const heardAt = new Map();
const removed = new Set();
const toLook = new Set();
// What could not be looked up is looked up when the socket is there again.
const missed = new Set();
let looking = 0;
let hasSnapshot = false;
let changed = new Set();

/** Return a download, or undefined. */
export function byId(id) {
  return removed.has(id) ? undefined : known.get(id);
}

/** Whether a download is queued or running. */
export function isActive(download) {
  return download.status === "queued" || download.status === "running";
}

/** Whether a download has a file that can be saved. */
export function isReady(download) {
  return download.status === "completed" || download.status === "pending_cleanup";
}

/** Return those queued or running: the running ones first, then in the order of their submit. */
export function activeOnes() {
  const rank = (download) => (download.status === "running" ? 0 : 1);
  return [...known.values()]
    .filter((download) => isActive(download) && !removed.has(download.history_id))
    .sort((a, b) => rank(a) - rank(b) || a.history_id - b.history_id);
}

/** Learn what the API answered; `askedAt` is performance.now() of the question. */
export function take(items, askedAt) {
  for (const item of items) {
    const id = item.history_id;
    const before = known.get(id);
    const isOlder = before !== undefined && (heardAt.get(id) ?? -1) > askedAt;
    const live = isOlder
      ? { status: before.status, stage: before.stage, attempts: before.attempts }
      : {};
    if (isOlder && !isActive(before) && isActive(item)) look(id);
    known.set(id, { ...before, ...item, ...live });
    note(id);
  }
}

/** Let a download be gone from the page, or bring it back. */
export function setRemoved(id, isGone) {
  if (isGone) removed.add(id);
  else removed.delete(id);
  note(id);
}

/** Forget everything: another account. */
export function forgetAll() {
  known.clear();
  heardAt.clear();
  removed.clear();
  toLook.clear();
  missed.clear();
  hasSnapshot = false;
}

/** Ask for the whole of one download; a few at once, however many there are. */
export function look(id) {
  toLook.add(id);
  if (looking < LOOKS_AT_ONCE) lookOn();
}

async function lookOn() {
  looking += 1;
  for (const id of toLook) {
    toLook.delete(id);
    const askedAt = performance.now();
    try {
      take([await get(`/download/${id}`)], askedAt);
    } catch (refusal) {
      if (refusal.status === 403) setRemoved(id, true);
      else missed.add(id);
    }
  }
  looking -= 1;
}

function hear(message) {
  if (message.type === "snapshot") hearSnapshot(message.downloads, message.isNews);
  else if (message.type === "progress") hearProgress(message);
  else if (message.type === "state") hearState(message);
}

function hearSnapshot(entries, isNews = true) {
  const told = new Set(entries.map((entry) => entry.history_id));
  for (const download of known.values()) {
    if (isActive(download) && !told.has(download.history_id)) look(download.history_id);
  }
  for (const entry of entries) merge(entry);
  // After a gap it does not say what both began and ended meanwhile.
  if (hasSnapshot && isNews) catchUp();
  hasSnapshot = true;
}

async function catchUp() {
  const askedAt = performance.now();
  try {
    take((await get("/user/history", { limit: NEWEST })).items, askedAt);
  } catch {
    // The rows that are shown stay true; a reload shows the rest.
  }
}

/** Ask again what the queued ones wait for: that changes without a word of it. */
export async function askForWaits() {
  const askedAt = performance.now();
  try {
    for (const { history_id: id, waiting } of (await get("/progress")).downloads) {
      const before = known.get(id);
      if (before === undefined || !isActive(before) || heardAt.get(id) > askedAt) continue;
      known.set(id, { ...before, waiting });
      note(id);
    }
  } catch {
    // What is shown stays; the next time is soon.
  }
}

function lookForMissed() {
  for (const id of missed) look(id);
  missed.clear();
}

function hearProgress(message) {
  if (!known.has(message.history_id)) look(message.history_id);
  merge(message);
}

function hearState(message) {
  const id = message.history_id;
  const before = known.get(id);
  merge(message);
  // Figures belong to the stage that told them, errors and wishes to the time before a retry.
  const forgotten = before && isActive(before) === isActive(message) ? FIGURES : [...FIGURES, ...WISHES];
  for (const name of forgotten) known.get(id)[name] = null;
  // Queued again after a failed attempt: why is in the row.
  const isPutBack = before?.status === "running" && message.status === "queued";
  if (before === undefined || isPutBack || !isActive(message)) look(id);
  if (before !== undefined && isActive(before) && !isActive(message)) {
    downloads.dispatchEvent(new CustomEvent("ended", { detail: id }));
  }
}

function merge({ type: _type, seq: _seq, attempt, ...told }) {
  const id = told.history_id;
  heardAt.set(id, performance.now());
  known.set(id, { ...known.get(id), ...told, attempts: attempt });
  note(id);
}

function note(id) {
  if (!changed.size) requestAnimationFrame(tell);
  changed.add(id);
}

function tell() {
  const detail = changed;
  changed = new Set();
  downloads.dispatchEvent(new CustomEvent("changed", { detail }));
}

socket.addEventListener("message", (event) => hear(event.detail));
socket.addEventListener("line", ({ detail: isOpen }) => isOpen && lookForMissed());
