// Sending addresses to the API, as many as one request holds at a time.

import { call } from "./api.js";

// The API takes bodies of 64 KiB; the rest is for the wish, with the address of a webhook.
const MAX_BODY_BYTES = 56_000;

/**
 * Submit items: each an address, with the entry and the title of its list if it has any, and what
 * the page has `seen` of it. Return what was accepted, each `item` with its `row`, what was refused
 * with its `error`, and the refusal that stopped the rest, which is then among the refused; null
 * if nothing did.
 */
export async function submitAll(items, wish) {
  const [accepted, refused] = [[], []];
  const groups = grouped(items);
  for (const [i, group] of groups.entries()) {
    try {
      const answers = await submitGroup(group, wish);
      answers.forEach((answer, k) => {
        if (answer.history_id) accepted.push({ item: group[k], row: answer });
        else refused.push({ item: group[k], error: answer.error });
      });
    } catch (error) {
      const rest = groups.slice(i).flat();
      refused.push(...rest.map((item) => ({ item, error })));
      return { accepted, refused, stopped: error };
    }
  }
  return { accepted, refused, stopped: null };
}

async function submitGroup(items, wish) {
  // A request whose answer was lost is then not done twice when it is sent again.
  const headers = { "Idempotency-Key": freshKey() };
  if (items.length === 1) {
    return [await persist("/download", { headers, body: { ...asked(items[0]), ...wish } })];
  }
  const urls = items.map((item) => item.entry || item.title ? asked(item) : item.url);
  return (await persist("/download/batch", { headers, body: { urls, ...wish } })).downloads;
}

function asked({ url, entry, title }) {
  return { url, entry, title: title || undefined };
}

async function persist(path, options) {
  try {
    return await call("POST", path, options);
  } catch (refusal) {
    if (refusal.code !== "offline") throw refusal;
    return call("POST", path, options);
  }
}

function grouped(items) {
  const most = Number(document.documentElement.dataset.maxEntries);
  const groups = [[]];
  let size = 0;
  for (const item of items) {
    const bytes = new TextEncoder().encode(JSON.stringify(asked(item))).length + 1;
    if (groups.at(-1).length === most || size + bytes > MAX_BODY_BYTES) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1).push(item);
    size += bytes;
  }
  return groups.filter((group) => group.length);
}

// Not randomUUID: that is missing where the page is served without TLS.
function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
