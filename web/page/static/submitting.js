// Sending addresses to the API, as many as one request holds at a time.

import { call } from "./api.js";

// The API takes bodies of 64 KiB; the rest is for the wish, with the address of a webhook.
const MAX_BODY_BYTES = 56_000;

/**
 * Submit addresses. Return what was accepted, what was refused with its error, and the refusal
 * that stopped the rest, which is then among the refused; null if nothing did.
 */
export async function submitAll(urls, wish) {
  const [accepted, refused] = [[], []];
  const groups = grouped(urls);
  for (const [i, group] of groups.entries()) {
    try {
      for (const item of await submitGroup(group, wish)) {
        (item.history_id ? accepted : refused).push(item);
      }
    } catch (error) {
      const rest = groups.slice(i).flat();
      refused.push(...rest.map((url) => ({ url, error })));
      return { accepted, refused, stopped: error };
    }
  }
  return { accepted, refused, stopped: null };
}

async function submitGroup(urls, wish) {
  // A request whose answer was lost is then not done twice when it is sent again.
  const headers = { "Idempotency-Key": freshKey() };
  if (urls.length === 1) {
    return [await persist("/download", { headers, body: { url: urls[0], ...wish } })];
  }
  return (await persist("/download/batch", { headers, body: { urls, ...wish } })).downloads;
}

async function persist(path, options) {
  try {
    return await call("POST", path, options);
  } catch (refusal) {
    if (refusal.code !== "offline") throw refusal;
    return call("POST", path, options);
  }
}

function grouped(urls) {
  const most = Number(document.documentElement.dataset.maxEntries);
  const groups = [[]];
  let size = 0;
  for (const url of urls) {
    const bytes = new TextEncoder().encode(url).length + 4;
    if (groups.at(-1).length === most || size + bytes > MAX_BODY_BYTES) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1).push(url);
    size += bytes;
  }
  return groups.filter((group) => group.length);
}

// Not randomUUID: that is missing where the page is served without TLS.
function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
