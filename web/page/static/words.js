// The language of the page: chosen by hand, else by the browser, else English.

import { kept, keep } from "./choices.js";

export const LANGUAGES = { en: "English", zh: "中文" };

let words = {};
let plurals = new Intl.PluralRules("en");

/** The language in use: "en" or "zh". */
export let language = "en";

/** The user's own form of numbers and times, within the language. */
export let locale = "en";

/** Load the words of the chosen language. */
export async function load() {
  language = kept("language", Object.keys(LANGUAGES)) ?? ofBrowser();
  locale = navigator.languages.find((tag) => base(tag) === language) ??
    (language === "zh" ? "zh-CN" : "en");
  const files = [`./words.${language}.js`, `./words.${language}.webhooks.js`];
  const modules = await Promise.all(files.map((file) => import(file)));
  words = Object.assign({}, ...modules.map((module) => module.words));
  plurals = new Intl.PluralRules(locale);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : locale;
}

/** Choose a language by hand; `load` makes it so. */
export function choose(chosen) {
  keep("language", chosen);
}

/**
 * Return a text with its places filled: t("deleted", { n: 2 }).
 * A text with forms for one and for more is chosen by `n`.
 */
export function t(key, places = {}) {
  let text = words[key];
  if (text === undefined) return key;
  if (typeof text === "object") text = text[plurals.select(places.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, place) => shown(places[place]));
}

/** Whether there is a text of this key. */
export function has(key) {
  return words[key] !== undefined;
}

function shown(place) {
  return typeof place === "number" ? new Intl.NumberFormat(locale).format(place) : String(place);
}

function ofBrowser() {
  return navigator.languages.map(base).find((tag) => tag in LANGUAGES) ?? "en";
}

function base(tag) {
  return tag.toLowerCase().split("-")[0];
}
