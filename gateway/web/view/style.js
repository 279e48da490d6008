import { h } from "./dom.js";

/** Waits for a style sheet, so that nothing is shown without it. */
export function style(href) {
  return new Promise((done) => {
    document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: done }));
  });
}
