// The small picture before a title. One from the site would tell the site who looks, and this page
// asks nobody but its own server: so it is one that the server made, or else it is drawn here.

import { h, icon } from "./dom.js";
import { clock } from "./format.js";

const HUES = 12;

/**
 * Return a tile in a colour that is always the same for a site, under the picture if there is one.
 * `alt` says what the picture is, unless the words beside it do.
 */
export function tile({ site, isSound = false, duration = null, isList = false, picture = null, alt = "" }) {
  const hue = [...site].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % HUES, 0);
  return h(
    "div.tile",
    { "data-hue": hue, "aria-hidden": picture && alt ? null : "true" },
    icon(isList ? "list" : isSound ? "sound" : "film"),
    picture && h("img", { src: picture, alt, onerror: (event) => event.target.remove() }),
    duration !== null && h("span.length", {}, clock(duration)),
  );
}
