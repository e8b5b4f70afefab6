// What is at addresses, as the server finds out: each is asked for once, a few at a time.

import { call } from "./api.js";

// A user may have four under way, over all tabs.
const AT_ONCE = 2;

/** So many addresses are looked at together; of more the server finds the lists when it fetches. */
export const MOST = 20;

/**
 * One address. `found` is what is there, `refusal` why that is not known; both are null until the
 * server has answered. `chosen` holds the places in its list that are to be downloaded;
 * `isRecorded` says that what is live there is to be recorded.
 */
class Lookup {
  constructor(url) {
    this.url = url;
    this.found = null;
    this.refusal = null;
    this.chosen = null;
    this.isRecorded = false;
    this.hasBegun = false;
    this.controller = new AbortController();
  }

  /** Whether the server has answered. */
  get isOver() {
    return this.found !== null || this.refusal !== null;
  }

  /** Whether there is more than one video at the address. */
  get isList() {
    return this.found?.entries ? this.found.entries.length > 1 || this.found.truncated : false;
  }

  /** Return what is to be downloaded: addresses, each with its entry and title if it has any. */
  get items() {
    if (!this.found) return [{ url: this.url }];
    const { entries, title, thumbnail_preview: picture } = this.found;
    if (!entries) return [{ url: this.url, seen: { previewed: title, picture } }];
    return [...this.chosen].map((place) => itemOf(entries[place], this.url, place));
  }

  /** Choose of the list what is among these items; nothing changes if nothing of it is. */
  choose(items) {
    const places = items.filter((item) => item.list === this.url).map((item) => item.place);
    if (places.length) this.chosen = new Set(places);
  }

  async run() {
    this.hasBegun = true;
    const { signal } = this.controller;
    try {
      this.found = await call("POST", "/parse", { body: { url: this.url }, signal });
      this.chosen = new Set(this.found.entries?.keys());
    } catch (refusal) {
      if (!signal.aborted) this.refusal = refusal;
    }
  }
}

/** Tells "changed" when one begins or is over. */
export class Lookups extends EventTarget {
  constructor() {
    super();
    this.all = new Map();
    // Of the box, and of each press that is not over yet.
    this.wanted = new Set();
    this.letGoOfBox = () => {};
  }

  /** Return the lookup of an address, or undefined if nobody wants it. */
  of(url) {
    return this.all.get(url);
  }

  /** Want these addresses looked at for the box, and no others; `begin` starts it. */
  want(urls) {
    const letGo = this.letGoOfBox;
    this.letGoOfBox = this.hold(urls);
    letGo();
  }

  /** Want these too until the returned function is called. */
  hold(urls) {
    const held = urls.length > MOST ? [] : [...urls];
    this.wanted.add(held);
    for (const url of held) if (!this.all.has(url)) this.all.set(url, new Lookup(url));
    return () => {
      this.wanted.delete(held);
      this.sweep();
    };
  }

  /** Look anew at what a look was refused of. */
  again(urls) {
    for (const url of urls) if (this.of(url)?.refusal) this.all.set(url, new Lookup(url));
  }

  /** Begin with what is wanted. */
  begin() {
    const running = [...this.all.values()].filter((one) => one.hasBegun && !one.isOver).length;
    const next = [...this.all.values()].filter((one) => !one.hasBegun).slice(0, AT_ONCE - running);
    for (const lookup of next.values()) this.run(lookup);
  }

  /** Wait until these are over, or until `ms` have passed. */
  over(urls, ms) {
    const isOver = () => urls.every((url) => this.of(url).isOver);
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.removeEventListener("changed", look);
        resolve();
      };
      const look = () => isOver() && end();
      const timer = setTimeout(end, ms);
      this.addEventListener("changed", look);
      this.begin();
      look();
    });
  }

  async run(lookup) {
    const ending = lookup.run();
    this.dispatchEvent(new Event("changed"));
    await ending;
    // One that is no longer wanted says nothing.
    if (this.all.get(lookup.url) === lookup) this.dispatchEvent(new Event("changed"));
    this.begin();
  }

  sweep() {
    const wanted = new Set([...this.wanted].flat());
    for (const [url, lookup] of this.all) {
      if (wanted.has(url)) continue;
      this.all.delete(url);
      lookup.controller.abort();
    }
  }
}

// An entry without an address of its own is named beside that of its list.
function itemOf(entry, list, place) {
  const item = { url: entry.url, title: entry.title, seen: { previewed: entry.title } };
  return entry.entry ? { ...item, entry: entry.entry, list, place } : item;
}
