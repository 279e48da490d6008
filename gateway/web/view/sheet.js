// A sheet from below on a phone, a card in the middle on a desk. The dialog element gives the focus trap, Escape and
// the way back to where the reader was.

import { h, icon } from "./dom.js";

/** Opens a sheet; returns a function that closes it. `fill(close)` gives its content. */
export function openSheet(title, closeWords, fill) {
  const dialog = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title" });
  const close = () => dialog.close();
  dialog.append(
    h("div", { class: "sheet-head" },
      h("h2", { id: "sheet-title" }, title),
      h("button", { type: "button", class: "plain", "aria-label": closeWords, onclick: close }, icon("close"))),
    h("div", { class: "sheet-body" }, fill(close)),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return close;
}

/** A button that asks once more before it acts. */
export function careful(words, sureWords, act, iconName = null) {
  const label = h("span", {}, words);
  let sure = false;
  return h("button", {
    type: "button",
    class: "action danger",
    onclick: () => {
      if (sure) act();
      sure = true;
      label.textContent = sureWords;
    },
  }, iconName && icon(iconName), label);
}
