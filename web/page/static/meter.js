// A bar that says how much of something is used.

import { h } from "./dom.js";

const NEARLY = 0.9;

/** Return a bar and what sets it. Not <meter>: no browser lets its inside be laid out alike. */
export function meter(label) {
  const element = h("div.meter", { role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 });
  return {
    element,
    /** Show a share from 0 to 1, in words for those who do not see it; of what runs out, warn. */
    show(share, words, isRunningOut = true) {
      element.style.setProperty("--share", share);
      element.setAttribute("aria-valuenow", Math.round(share * 100));
      element.setAttribute("aria-valuetext", words);
      element.classList.toggle("nearly", isRunningOut && share >= NEARLY);
    },
  };
}
