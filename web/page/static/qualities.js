// The qualities that can be chosen, by name and, where the site told it, by size.

import { bytes } from "./format.js";
import { t } from "./words.js";

const HEIGHTS = [2160, 1440, 1080, 720, 480, 360];

/** Return what may be chosen before anything is known of a video. */
export function anyQualities() {
  return [
    { value: "best", label: t("quality.best") },
    ...HEIGHTS.map((height) => ({
      value: `${height}p`,
      label: t("quality.up_to", { name: `${height}p` }),
    })),
    { value: "audio", label: t("quality.audio") },
  ];
}

/** Return what may be chosen of these formats, the best last among them. */
export function qualitiesOf(formats) {
  const pictures = formats.filter((format) => format.vcodec !== "none");
  const sounds = formats.filter((format) => format.acodec !== "none");
  const sound = sounds.filter((format) => format.vcodec === "none").at(-1) ?? null;
  const chosen = [{ value: "best", label: labelled(t("quality.best"), pictures.at(-1), sound) }];
  HEIGHTS.forEach((height, i) => {
    const next = HEIGHTS[i + 1] ?? 0;
    const fits = (format) => format.height !== null && format.height <= height && format.height > next;
    const format = pictures.filter(fits).at(-1);
    if (format) chosen.push({ value: `${height}p`, label: labelled(`${height}p`, format, sound) });
  });
  if (sounds.length) {
    chosen.push({ value: "audio", label: labelled(t("quality.audio"), sound, null) });
  }
  return chosen;
}

function labelled(name, format, sound) {
  const size = sizeOf(format, sound);
  return size ? `${name} · ${bytes(size)}` : name;
}

function sizeOf(format, sound) {
  if (!format?.filesize) return null;
  return format.filesize + (format.acodec === "none" ? sound?.filesize ?? 0 : 0);
}
