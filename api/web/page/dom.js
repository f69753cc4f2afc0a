// What the page is built of. Text only ever becomes a text node: nothing that a record
// holds is read as markup.

const SVG = "http://www.w3.org/2000/svg";

// el makes an element: attributes, then children; a string is text, null is nothing.
// An attribute that begins with "on" is a listener.
export const el = (name, attributes, ...children) =>
  grow(document.createElement(name), attributes, children);

// svg makes an element of a drawing.
export const svg = (name, attributes, ...children) =>
  grow(document.createElementNS(SVG, name), attributes, children);

function grow(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return node;
}

// say changes a node's text if it is another: what did not change is not read out again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// link leads to where a location is, if that is on the web; any other URL is only text.
export function link(url) {
  let scheme = "";
  try {
    scheme = new URL(url).protocol;
  } catch {
    // It is no URL: shown as it is.
  }
  if (scheme !== "http:" && scheme !== "https:") return el("span", { class: "url" }, url);
  return el("a", { class: "url", href: url, rel: "noopener noreferrer", target: "_blank" }, url);
}

// table makes a table that scrolls sideways by itself on a narrow screen, by keyboard, too.
export function table(caption, heads, rows) {
  return el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption },
    el("table", null,
      el("caption", null, caption),
      el("thead", null, el("tr", null, heads.map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", null, rows.map((cells) => el("tr", null, cells.map((c, i) => el(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : null, c)))))));
}

// field makes an input with its label.
export function field(label, input, hint) {
  const id = input.id;
  const note = hint ? el("small", { id: `${id}-hint` }, hint) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: id }, label), input, note);
}

// number prints a number with a few digits, as the reader's language does.
export const number = (v, digits = 0) =>
  v === undefined || v === null ? "–" : v.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// seconds prints a time so that a person can compare two.
export function seconds(s) {
  if (s === undefined || s === null) return "–";
  if (s < 0.01) return `${number(s * 1000, 2)} ms`;
  if (s < 1) return `${number(s * 1000)} ms`;
  return s < 120 ? `${number(s, 1)} s` : `${number(s / 60)} min`;
}
