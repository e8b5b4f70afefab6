// The addresses in a text that somebody pasted or dropped.

// What no address holds as it is copied: spaces, marks of direction, quotes, and the punctuation
// of Chinese and Japanese.
const END = /[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069<>"“”«»，。、；：！？（）【】「」『』《》〈〉［］｛｝…]/u;
const LINE_END = /[\r\n\v\f\u0085\u2028\u2029]+/;
const SCHEME = /https?:\/\//gi;
const SCHEME_HERE = /https?:\/\//iy;
// As long as the server takes one.
const MAX_LENGTH = 2048;
const SEPARATOR = /[,;|，、；]/;
const CLOSING = { "(": ")", "[": "]", "{": "}" };
// What a text may put on both sides of an address: 'u', `u`, *u*.
const WRAPPING = { "'": "'", "‘": "’", "`": "`", "*": "*", "_": "_", "~": "~" };
// A host and something behind it, without http:// before it; after www. nothing need follow.
const PLACE = /^(?:\/\/)?(?:www\.(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}(?::\d+)?(?:[/?#].*)?|(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}(?::\d+)?\/.+)$/iu;
const ATTEMPT = /:\/|^www\.|\.\p{L}{2,}(?:[/:?#]|$)/iu;
const WORD = /[\p{L}\p{N}]/u;

/** Return the addresses, each once and in their order, and the pieces that are none. */
export function addressesIn(text) {
  const found = new Set();
  const others = [];
  for (const line of text.split(LINE_END)) {
    const read = addressesOfLine(line);
    for (const address of read.found) found.add(address);
    others.push(...read.others);
  }
  return { found: [...found], others };
}

function addressesOfLine(line) {
  // A line that begins with # is a remark, as in the lists that yt-dlp reads.
  if (/^\s*#/.test(line)) return { found: [], others: linksIn(line).length ? [line.trim()] : [] };
  const links = linksIn(line);
  const texts = textsBeside(line, links);
  const pieces = texts.map((text, i) => piecesOf(text, i > 0, i < links.length));
  const isProse = pieces.flat().some((piece) => !piece.isPlace);
  const found = [];
  const others = [];
  const take = (address, pasted) => {
    const isOne = address.length <= MAX_LENGTH && URL.canParse(address);
    if (isOne) found.push(address);
    else others.push(pasted);
  };
  pieces.forEach((ofText, i) => {
    for (const { text, isPlace, isNamed } of ofText) {
      // Among words, a name with a dot and a slash may be anything.
      if (isPlace && (!isProse || /^www\./i.test(text))) {
        take(`https://${trimmed(text, isProse).replace(/^\/\//, "")}`, text);
      } else if (isNamed) others.push(text);
    }
    if (i === links.length) return;
    const link = trimmed(line.slice(...links[i]), isProse);
    if (areRunTogether(link)) others.push(link);
    else take(link, link);
  });
  if (!found.length && !others.length && WORD.test(line)) others.push(line.trim());
  return { found, others };
}

/** Return where the links with a scheme begin and end. */
function linksIn(line) {
  const links = [];
  let from = 0;
  for (const { index } of line.matchAll(SCHEME)) {
    // One that is inside another: https://a.example/?of=https://b.example
    if (index < from) continue;
    from = endOf(line, index);
    links.push([index, from]);
  }
  return links;
}

function endOf(line, begin) {
  const before = line[begin - 1];
  const open = { ")": 0, "]": 0, "}": 0 };
  for (let i = begin; i < line.length; i += 1) {
    const letter = line[i];
    if (END.test(letter)) return i;
    if (letter in CLOSING) open[CLOSING[letter]] += 1;
    else if (letter in open) {
      // (u) and [t](u), but not wiki_(x).
      if (!open[letter] && letter === CLOSING[before]) return i;
      open[letter] -= 1;
    } else if (letter === WRAPPING[before] && !WORD.test(line[i + 1] ?? "")) return i;
    else if (SEPARATOR.test(letter) && isSchemeAt(line, i + 1)) return i;
  }
  return line.length;
}

function isSchemeAt(line, i) {
  SCHEME_HERE.lastIndex = i;
  return SCHEME_HERE.test(line);
}

function textsBeside(line, links) {
  const ends = [0, ...links.map(([, end]) => end)];
  const begins = [...links.map(([begin]) => begin), line.length];
  return begins.map((begin, i) => line.slice(ends[i], begin));
}

/**
 * Return the words of a text beside links, and which of them are named if they are not taken:
 * what looks as if it was meant to be a link, and what stands in a list with links.
 */
function piecesOf(text, isAfterLink, isBeforeLink) {
  const isListed = isAfterLink && /^\s*[,;|，、；]/.test(text) ||
    isBeforeLink && /[,;|，、；]\s*$/.test(text);
  const words = text.split(SEPARATOR).flatMap((part) => {
    const ofPart = part.split(END).map(unwrapped).filter((word) => WORD.test(word));
    const isWhole = isListed && !ofPart.some((word) => PLACE.test(word) || ATTEMPT.test(word));
    return isWhole && ofPart.length ? [ofPart.join(" ")] : ofPart;
  });
  return words.map((word) => ({
    text: word,
    isPlace: word.length <= MAX_LENGTH && PLACE.test(word),
    isNamed: isListed || ATTEMPT.test(word),
  }));
}

function unwrapped(word) {
  if (word.length > MAX_LENGTH) return word;
  return word.replace(/^[([{'‘`*~]+/, "").replace(/['’`*~]+$/, "");
}

/** Return an address without what the sentence around it put at its end. */
function trimmed(address, isProse) {
  if (address.length > MAX_LENGTH) return address;
  const end = isProse ? /[.,;:?!]+$/ : /[.,;:?]+$/;
  let shorter = address;
  for (;;) {
    shorter = shorter.replace(end, "");
    if (!endsLoose(shorter)) return shorter;
    shorter = shorter.slice(0, -1);
  }
}

/** Whether an address ends with a bracket that it does not open, or with a quote of its text. */
function endsLoose(address) {
  const last = address.at(-1);
  if (last === "'") return count(address, last) % 2 === 1;
  const opening = Object.keys(CLOSING).find((letter) => CLOSING[letter] === last);
  return opening !== undefined && count(address, last) > count(address, opening);
}

function count(text, letter) {
  return text.split(letter).length - 1;
}

// Two links with nothing between them: where the first one ends nobody can say.
function areRunTogether(link) {
  return /[\w-]https?:\/\//i.test(link.replace(/%[0-9a-f]{2}/gi, "%"));
}
