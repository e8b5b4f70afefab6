// The storage nodes, and how full their disks are where they say so.

import { h } from "./dom.js";
import { bytes, moment } from "./format.js";
import { meter } from "./meter.js";
import { t } from "./words.js";

/** Return the nodes. */
export function nodes(items) {
  return h("ul.nodes.beside", {}, items.map(node));
}

function node({ node: name, alive, draining, running, heartbeat_at: at, ...told }) {
  const state = alive ? draining ? "draining" : "alive" : "away";
  return h(
    "li",
    {},
    h("div.line", {},
      h("b", {}, name),
      h(`span.badge.${state}`, {}, t(`node.${state}`))),
    h("p.hint.facts", {}, `${t("node.running", { n: running })} · ${t("node.heard", { time: moment(at) })}`),
    disk(told),
  );
}

function disk({ disk_total_bytes: total, disk_free_bytes: free }) {
  if (!total) return null;
  const used = total - free;
  const text = t("use.of", { used: bytes(used), limit: bytes(total) });
  const bar = meter(t("node.disk"));
  bar.show(used / total, text);
  return h("div.bar", {}, h("div.line", {}, h("span", {}, t("node.disk")), h("span.figures", {}, text)), bar.element);
}
