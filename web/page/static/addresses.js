// The addresses in a text that somebody pasted or dropped.

/** Return the addresses, each once and in their order, and the words that are none. */
export function addressesIn(text) {
  const found = new Set();
  const others = [];
  for (const line of text.split(/[\r\n]+/)) {
    const links = line.match(/https?:\/\/[^\s<>"'，。；、）】]+/gi) ?? [];
    for (const link of links) {
      if (URL.canParse(link)) found.add(link);
      else others.push(link);
    }
    // A line that begins with # is a remark, as in the lists that yt-dlp reads.
    const rest = line.trim();
    if (!links.length && rest && !rest.startsWith("#")) others.push(rest);
  }
  return { found: [...found], others };
}
