// What can be done with downloads.

import { call } from "./api.js";
import { byId, setRemoved, take } from "./downloads.js";
import { h } from "./dom.js";
import { span } from "./format.js";
import { addressOf } from "./place.js";
import { removeSoon } from "./removals.js";
import { refusalWords } from "./refusals.js";
import { offerLists } from "./submit.js";
import { toast } from "./toasts.js";
import { t } from "./words.js";

/** Save a file: by a ticket, so that the browser's own download does the work. */
export function save(id) {
  return attempt(async () => {
    follow(await call("POST", "/download/file-ticket", { body: { history_id: id } }));
  });
}

/** Save several files as one ZIP; files that lie on several machines come as several. */
export function saveAll(ids) {
  return attempt(async () => {
    try {
      follow(await call("POST", "/download/archive-ticket", { body: { history_ids: ids } }));
    } catch (refusal) {
      for (const id of refusal.code === "gone" ? ids : []) refresh(id);
      if (!refusal.groups) throw refusal;
      for (const group of refusal.groups) await saveAll(group);
    }
  });
}

/** Copy a link to a file that works for a while without signing in. */
export function copy(id) {
  return attempt(async () => {
    const ticket = await call("POST", "/download/file-ticket", { body: { history_id: id } });
    const link = placeOf(ticket).href;
    const time = span(ticket.expires_in);
    try {
      await navigator.clipboard.writeText(link);
      toast(t("copied", { time }));
    } catch {
      // No clipboard without TLS, or it was refused.
      showLink(link, time);
    }
  });
}

/** Try a download again. */
export function retry(id) {
  return attempt(() => take1(call("POST", `/download/${id}/retry`), { isCancelling: false }));
}

/** Put the list that a download turned out to be into the form, to choose from it. */
export function choose(id) {
  offerLists([byId(id).url]);
}

/** Cancel a download. */
export function cancel(id) {
  const wish = (isCancelling) => take([{ ...byId(id), isCancelling }], performance.now());
  wish(true);
  return attempt(() => take1(call("POST", `/download/${id}/cancel`)), () => {
    wish(false);
    refresh(id);
  });
}

/** Delete downloads: gone from the page at once, from the server when nobody undoes it. */
export function remove(ids) {
  for (const id of ids) setRemoved(id, true);
  const undo = removeSoon(ids);
  toast(t("deleted", { n: ids.length }), {
    action: t("undo"),
    onaction: () => {
      undo();
      for (const id of ids) setRemoved(id, false);
    },
  });
}

async function take1(asking, more = {}) {
  const askedAt = performance.now();
  take([{ ...await asking, ...more }], askedAt);
}

function refresh(id) {
  return take1(call("GET", `/download/${id}`)).catch(() => {});
}

async function attempt(act, onrefused = () => {}) {
  try {
    await act();
  } catch (refusal) {
    onrefused(refusal);
    toast(refusalWords(refusal), { kind: "bad" });
  }
}

// The server's own address for itself may be one that this browser does not reach.
function placeOf(ticket) {
  const { pathname, search } = new URL(ticket.url);
  return addressOf(pathname.slice(pathname.lastIndexOf("/api/v1/")) + search);
}

function follow(ticket) {
  const link = h("a", { href: placeOf(ticket).href, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

function showLink(link, time) {
  const field = h("input", { value: link, readonly: true, "aria-label": t("copy_by_hand", { time }) });
  const dialog = h(
    "dialog.card",
    { onclose: () => dialog.remove(), "aria-label": t("copy_by_hand", { time }) },
    h("form.stack", { method: "dialog" }, h("p", {}, t("copy_by_hand", { time })), field,
      h("button.primary", {}, t("close"))),
  );
  document.body.append(dialog);
  dialog.showModal();
  field.select();
}
