// The form's choice of a container: a video and its sound alone have others.

import { kept, keep } from "./choices.js";
import { freshId, h } from "./dom.js";
import { t } from "./words.js";

// As the API takes them; without one the server chooses the one that suits what comes.
const KINDS = {
  container: { any: "container.video", values: ["mp4", "mkv", "webm"] },
  audio_container: { any: "container.audio", values: ["mp3", "m4a", "opus", "flac", "wav"] },
};
const NAMES = { webm: "WebM", opus: "Opus" };

/** A select whose options go by the quality; each kind of file keeps its own choice. */
export class ContainerField {
  constructor() {
    this.kind = null;
    this.chosen = {};
    for (const [kind, { values }] of Object.entries(KINDS)) this.chosen[kind] = kept(kind, values);
    this.select = h("select", {
      id: freshId(), name: "container",
      onchange: () => this.chosen[this.kind] = this.select.value || null,
    });
    this.element = h("div.field", {},
      h("label", { for: this.select.id }, t("submit.container")), this.select);
  }

  /** The container, or undefined for the one that suits. */
  get value() {
    return this.chosen[this.kind] ?? undefined;
  }

  /** Offer what a quality can be put into. */
  show(quality) {
    const kind = quality === "audio" ? "audio_container" : "container";
    if (kind === this.kind) return;
    this.kind = kind;
    const { any, values } = KINDS[kind];
    this.select.replaceChildren(
      h("option", { value: "" }, t(any)),
      ...values.map((value) => h("option", { value }, NAMES[value] ?? value.toUpperCase())),
    );
    this.select.value = this.chosen[kind] ?? "";
  }

  /** Remember what is chosen on this browser. */
  keep() {
    keep(this.kind, this.chosen[this.kind]);
  }
}
