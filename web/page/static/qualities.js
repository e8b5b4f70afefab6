// The qualities that can be chosen, by name and, where the site told it, by size.

import { bytes } from "./format.js";
import { t } from "./words.js";

// Those of the API; a picture between two of them is chosen by the larger, and named by itself.
const RUNGS = [4320, 2160, 1440, 1080, 720, 480, 360, 240, 144];
const COMMON = [2160, 1440, 1080, 720, 480, 360];

/** Return what may be chosen before anything is known of a video. */
export function anyQualities() {
  return [
    { value: "best", label: t("quality.best") },
    ...COMMON.map((rung) => ({
      value: `${rung}p`,
      label: t("quality.up_to", { name: `${rung}p` }),
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
  RUNGS.forEach((rung, i) => {
    const next = RUNGS[i + 1] ?? 0;
    // As the server chooses, by its own names for the sizes; one of unknown size may be any.
    const format = pictures.filter((one) => (one.rung ?? 0) <= rung).at(-1);
    if (format?.rung > next) chosen.push({ value: `${rung}p`, label: labelled(`${format.rung}p`, format, sound) });
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
