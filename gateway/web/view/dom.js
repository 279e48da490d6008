// Elements without markup: every text a person wrote becomes a text node here, so there is nothing to escape.

/** h("button", {class: "send", onclick: f, "aria-label": "Send"}, children...): false and null attributes are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
export const ICONS = {
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 4.6a3.3 3.3 0 0 1 0 6M18 14.4c2 .8 3.2 2.6 3.5 5.6",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM9 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  swap: "M7 4 3.5 7.5 7 11M3.5 7.5H17M17 13l3.5 3.5L17 20M20.5 16.5H7",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  translate: "M3.5 6h10M8.5 3.5V6M12 6c-1 4-4 7-8 8.5M5.5 8.5c1 2.5 3.5 4.5 6.5 5.5M11.5 20.5l4.5-11 4.5 11M13 17h6",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.5l3 1.5",
  alert: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v5M12 16h.01",
  add: "M12 5v14M5 12h14",
  check: "M5 12.5 10 17 19 7",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Words only a screen reader says. */
export function unseen(words) {
  return h("span", { class: "unseen" }, words);
}

/** Somebody's seal: a square of ink with the first character of the name. */
export function seal(name, hue, character) {
  return h("span", { class: `seal hue-${hue}`, "aria-hidden": "true" }, character);
}

let toasting;

/** A sentence for a few seconds. Refusals interrupt a screen reader, the rest waits its turn. */
export function toast(words, { refusal = false } = {}) {
  const region = document.getElementById(refusal ? "refusals" : "notices");
  clearTimeout(toasting);
  for (const id of ["refusals", "notices"]) document.getElementById(id).replaceChildren();
  region.append(h("p", { class: "toast" }, words));
  toasting = setTimeout(() => region.replaceChildren(), refusal ? 6000 : 3000);
}
