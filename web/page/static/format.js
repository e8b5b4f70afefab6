// Numbers, sizes and times in the user's own form.

import { now } from "./time.js";
import { locale, t } from "./words.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const formats = new Map();

/** Return a size. By 1,024, as quotas are set and most file managers count. */
export function bytes(count) {
  let value = count;
  // Nothing is "0 MB": some languages have no good word for no bytes.
  let unit = count === 0 ? 2 : 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return number(value, {
    style: "unit",
    unit: UNITS[unit],
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  });
}

/** Return a speed of so many bytes a second. */
export function speed(bytesPerS) {
  return `${bytes(bytesPerS)}/s`;
}

/** Return a share of 100 as a percentage. */
export function percent(share) {
  return number(share / 100, { style: "percent", maximumFractionDigits: 0 });
}

/** Return a count. */
export function count(value) {
  return number(value, {});
}

/** Return the length of a video: 4:05, 1:02:03. */
export function clock(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

/** Return a span of time by its two largest units: 3 min 20 sec, 23 hr 5 min. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return unit(0, "second");
  let left = whole;
  const said = [];
  for (const [name, size] of units.slice(first, first + 2)) {
    if (left >= size || !said.length) said.push(unit(Math.floor(left / size), name));
    left %= size;
  }
  return said.join(" ");
}

/** Return a moment: the time alone if it is today. */
export function moment(text) {
  const date = new Date(text);
  const today = new Date(now());
  const isToday = date.toDateString() === today.toDateString();
  const day = isToday ? {} : { month: "short", day: "numeric" };
  const year = date.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  const form = { ...day, ...(isToday ? {} : year), hour: "numeric", minute: "2-digit" };
  return cached(Intl.DateTimeFormat, form).format(date);
}

/** Return a day. */
export function day(text) {
  return cached(Intl.DateTimeFormat, { dateStyle: "medium" }).format(new Date(text));
}

/** Return a day of the year that is told in UTC, such as 2026-11-25. */
export function dayInUtc(text) {
  const form = { month: "short", day: "numeric", timeZone: "UTC" };
  return cached(Intl.DateTimeFormat, form).format(new Date(text));
}

/** Return the name of a site: the host without what says nothing. */
export function site(url) {
  try {
    return new URL(url).hostname.replace(/^(www|m)\./, "");
  } catch {
    return t("unknown");
  }
}

function unit(value, name) {
  return number(value, { style: "unit", unit: name, unitDisplay: "short" });
}

function number(value, form) {
  return cached(Intl.NumberFormat, form).format(value);
}

// To make one takes as long as to use it a hundred times.
function cached(Form, form) {
  const key = `${Form.name} ${locale} ${JSON.stringify(form)}`;
  if (!formats.has(key)) formats.set(key, new Form(locale, form));
  return formats.get(key);
}

/** Return an address as people say it: without the scheme and what follows the path. */
export function placeOf(url) {
  try {
    const { hostname, pathname, search } = new URL(url);
    return `${hostname.replace(/^(www|m)\./, "")}${decodeURI(pathname)}${search}`;
  } catch {
    return url;
  }
}
