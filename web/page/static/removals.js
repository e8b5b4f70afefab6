// Deletions that can still be undone: the API deletes at once, so the page waits.

import { call } from "./api.js";
import { setRemoved } from "./downloads.js";
import { refusalWords } from "./refusals.js";
import { toast } from "./toasts.js";

const UNDO_MS = 6000;
const LEFT = "vasset.left";

const waiting = new Map();

/** Delete these from the server in a while; return a function that prevents it. */
export function removeSoon(ids) {
  for (const id of ids) waiting.set(id, setTimeout(() => send(id), UNDO_MS));
  return () => {
    for (const id of ids) {
      clearTimeout(waiting.get(id));
      waiting.delete(id);
    }
  };
}

/** Delete at once what still waits: the page is being left, or its user. */
export async function removeNow() {
  await Promise.all([...waiting.keys()].map((id) => send(id, true)));
}

async function send(id, keepalive = false) {
  clearTimeout(waiting.get(id));
  waiting.delete(id);
  try {
    await call("DELETE", `/user/history/${id}`, { keepalive });
  } catch (refusal) {
    if (refusal.status === 403) return;
    setRemoved(id, false);
    toast(refusalWords(refusal), { kind: "bad" });
  }
}

/**
 * Leave out what was being deleted when this tab was reloaded: it may still be in the answers.
 * Whatever was not deleted after all is there again at the next reload.
 */
export function expectRemovals() {
  const ids = JSON.parse(sessionStorage.getItem(LEFT) ?? "[]");
  sessionStorage.removeItem(LEFT);
  for (const id of ids) setRemoved(id, true);
}

addEventListener("pagehide", () => {
  if (waiting.size) sessionStorage.setItem(LEFT, JSON.stringify([...waiting.keys()]));
  removeNow();
});
