// The preview of what is in the box: a video with its qualities, or lists to choose from.

import { chooser } from "./chooser.js";
import { h, icon, iconButton, say } from "./dom.js";
import { site } from "./format.js";
import { MOST } from "./lookups.js";
import { qualitiesOf } from "./qualities.js";
import { refusalWords } from "./refusals.js";
import { tile } from "./tile.js";
import { t } from "./words.js";

const LOOK_AFTER_MS = 600;

/** Shows what lookups found; tells "changed" when what would be downloaded changes. */
export class Preview extends EventTarget {
  constructor(lookups) {
    super();
    this.lookups = lookups;
    this.urls = [];
    this.closed = new Set();
    this.cards = new Map();
    this.told = h("p.muted.busy", { role: "status" });
    this.element = h("section.preview", { "aria-label": t("preview.label"), hidden: true });
  }

  /** Show what is at these addresses, as soon as it is known, and nothing of others. */
  show(urls) {
    this.urls = urls.length > MOST ? [] : urls;
    this.lookups.want(this.urls);
    for (const url of this.closed) if (!urls.includes(url)) this.closed.delete(url);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lookups.begin(), LOOK_AFTER_MS);
    this.bringUp();
  }

  /** Whether nobody need wait for these addresses: no list can be among them that is not shown. */
  isWhole(urls) {
    return urls.length > MOST ||
      urls.every((url) => this.lookups.of(url)?.isOver && !this.closed.has(url));
  }

  /** Return what would be downloaded: addresses, each with its entry and title if it has any. */
  items(urls) {
    return urls.flatMap((url) => this.lookups.of(url)?.items ?? [{ url }]);
  }

  /** The qualities of the one video, or null if nothing is known, or of several. */
  get qualities() {
    const found = this.urls.length === 1 ? this.lookups.of(this.urls[0])?.found : null;
    return found && !found.entries ? qualitiesOf(found.formats) : null;
  }

  /** Whether the one stream that is shown is to be recorded. */
  get isRecorded() {
    return this.urls.length === 1 && this.lookups.of(this.urls[0]).isRecorded;
  }

  /** Show what is known by now. */
  bringUp() {
    const shown = this.urls.filter((url) => !this.closed.has(url));
    for (const url of this.cards.keys()) if (!shown.includes(url)) this.cards.delete(url);
    const parts = shown.map((url) => this.card(url)).filter(Boolean);
    const begun = this.urls.filter((url) => this.lookups.of(url).hasBegun);
    const over = begun.filter((url) => this.lookups.of(url).isOver);
    if (begun.length > over.length) {
      const places = { n: over.length, all: this.urls.length };
      say(this.told, t(this.urls.length === 1 ? "submit.previewing" : "submit.previewing_many", places));
      parts.push(this.told);
    }
    const isOther = parts.length !== this.element.childNodes.length ||
      parts.some((part, i) => part !== this.element.childNodes[i]);
    if (isOther) this.element.replaceChildren(...parts);
    this.element.hidden = !parts.length;
    this.dispatchEvent(new Event("changed"));
  }

  /** Return the card of an address, or null if there is nothing to show of it. */
  card(url) {
    const lookup = this.lookups.of(url);
    const isShown = this.urls.length === 1 ? lookup.isOver : lookup.isList;
    if (!isShown) return null;
    const kept = this.cards.get(url);
    if (kept?.lookup === lookup) return kept.element;
    const element = lookup.found ? this.found(lookup) : this.refused(lookup);
    this.cards.set(url, { lookup, element });
    return element;
  }

  refused({ url, refusal }) {
    return h("div.refused", {},
      h("p.fault", { role: "alert" }, icon("alert"), refusalWords(refusal)), this.closer(url));
  }

  found(lookup) {
    const { found, url } = lookup;
    const where = site(found.webpage_url ?? url);
    const facts = [where, found.uploader && t("preview.by", { name: found.uploader }), lengthOf(found)];
    const isSound = !found.entries && found.formats.length > 0 &&
      found.formats.every((format) => format.vcodec === "none");
    return h(
      "div.stack",
      {},
      h(
        "div.found",
        {},
        tile({
          site: where, isSound, duration: found.duration_s, isList: Boolean(found.entries),
          picture: found.thumbnail_preview, alt: t("preview.picture", { title: found.title }),
        }),
        h("div", {}, h("h2", { dir: "auto" }, found.title),
          h("p.muted", {}, facts.filter(Boolean).join(" · "))),
        this.closer(url),
      ),
      found.live && h("p.fault", {}, icon("alert"), t("preview.live")),
      found.live && recordChoice(lookup),
      found.entries && chooser(lookup, () => this.dispatchEvent(new Event("changed"))),
    );
  }

  closer(url) {
    return iconButton("close", t("preview.close"), () => {
      this.closed.add(url);
      this.bringUp();
    });
  }
}

function recordChoice(lookup) {
  const box = h("input", {
    type: "checkbox", checked: lookup.isRecorded, onchange: () => lookup.isRecorded = box.checked,
  });
  return h("div.line", {}, h("label", {}, box, t("preview.record")));
}

function lengthOf({ entries, truncated }) {
  if (!entries) return null;
  return t(truncated ? "preview.playlist_cut" : "preview.playlist", { n: entries.length });
}
