// Elements, made without ever reading markup: a text stays a text, whoever wrote it.

const SVG = "http://www.w3.org/2000/svg";
const sprite = new URL("icons.svg", import.meta.url).pathname;

/**
 * Return a new element: h("p.note", { id: "x", onclick: act }, "text", other).
 * What is null, undefined or false, of the properties or the children, is left out.
 */
export function h(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  return fill(element, properties, children);
}

/** Return a new element of a drawing. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Return a picture of the sprite; the words beside it say what it means. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", "aria-hidden": "true", focusable: "false", viewBox: "0 0 24 24" },
    svg("use", { href: `${sprite}#${name}` }),
  );
}

/** Return a button of an icon alone, named for those who do not see it. */
export function iconButton(name, label, onclick, properties = {}) {
  return h(
    "button.icon-button",
    { type: "button", "aria-label": label, title: label, onclick, ...properties },
    icon(name),
  );
}

/** Set an element's text only if it is another: screen readers and layouts notice each change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let lastId = 0;

/** Return an id that no other element has. */
export function freshId() {
  lastId += 1;
  return `e${lastId}`;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== false && (child ?? null) !== null));
  return element;
}
