// How the page looks and speaks: chosen here, kept on this browser.

import { h, icon } from "./dom.js";
import { chooseTheme, theme, THEMES } from "./theme.js";
import { choose, language, LANGUAGES, t } from "./words.js";

/** Return the choices; `onlanguage` shows the page anew. */
export function appearance(onlanguage) {
  return [
    segments("nav.theme", "theme", THEMES.map((name) => [name, t(`theme.${name}`)]), theme(), chooseTheme),
    segments("nav.language", "language", Object.entries(LANGUAGES), language, (chosen) => {
      choose(chosen);
      onlanguage();
    }),
  ];
}

/** Return a button that changes to the next language, for where there is no more room. */
export function otherLanguage(onlanguage) {
  const names = Object.keys(LANGUAGES);
  const next = names[(names.indexOf(language) + 1) % names.length];
  return h("button.quiet", {
    type: "button", lang: next, onclick: () => {
      choose(next);
      onlanguage();
    },
  }, icon("globe"), LANGUAGES[next]);
}

function segments(key, name, options, chosen, onchoose) {
  return h(
    "fieldset.segments.plain",
    { "data-choice": name },
    h("legend", {}, t(key)),
    options.map(([value, label]) => h(
      "label.segment",
      {},
      h("input", {
        type: "radio", name, value, checked: value === chosen, onchange: () => onchoose(value),
      }),
      h("span", {}, h("b", {}, label)),
    )),
  );
}
