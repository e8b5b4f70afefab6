// Asking now and then how far downloads are, where no socket gets through.

import { get } from "./api.js";

const ACTIVE_MS = 2_000;
const IDLE_MS = 10_000;

/** Asks for snapshots, as the socket would bring them, and hands each to `onsnapshot`. */
export class Polling {
  constructor(onsnapshot) {
    this.onsnapshot = onsnapshot;
    this.controller = null;
  }

  /** Whether it asks again and again. */
  get isOn() {
    return this.controller !== null;
  }

  /** Ask from now on, until `stop`. */
  start() {
    if (this.isOn) return;
    this.controller = new AbortController();
    this.goOn(this.controller.signal);
  }

  /** Ask no more. */
  stop() {
    this.controller?.abort();
    this.controller = null;
    clearTimeout(this.timer);
  }

  async goOn(signal) {
    const isActive = !document.hidden && await this.ask(signal);
    if (signal.aborted) return;
    this.timer = setTimeout(() => this.goOn(signal), isActive ? ACTIVE_MS : IDLE_MS);
  }

  /** Return whether anything is in progress. */
  async ask(signal) {
    try {
      const snapshot = await get("/progress", {}, { signal });
      if (!signal.aborted) this.onsnapshot(snapshot);
      return snapshot.downloads.length > 0;
    } catch {
      if (!signal.aborted) this.onsnapshot(null);
      return true;
    }
  }
}
