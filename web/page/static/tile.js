// The small picture before a title. It is drawn here: one from the site would tell the site who
// looks, and this page asks nobody but its own server.

import { h, icon } from "./dom.js";
import { clock } from "./format.js";

const HUES = 12;

/** Return a tile in a colour that is always the same for a site. */
export function tile({ site, isSound = false, duration = null, isList = false }) {
  const hue = [...site].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % HUES, 0);
  return h(
    "div.tile",
    { "data-hue": hue, "aria-hidden": "true" },
    icon(isList ? "list" : isSound ? "sound" : "film"),
    duration !== null && h("span.length", {}, clock(duration)),
  );
}
