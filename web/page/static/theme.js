// Light or dark: as the system has it, until somebody chooses.

import { keep, kept } from "./choices.js";

export const THEMES = ["system", "light", "dark"];

/** Return the theme that was chosen. */
export function theme() {
  return kept("theme", THEMES) ?? "system";
}

/** Choose a theme. */
export function chooseTheme(chosen) {
  keep("theme", chosen === "system" ? null : chosen);
  showTheme();
}

/** Let the page have the chosen theme. */
export function showTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
