// A sheet from below on a phone, a card in the middle on a desk. The dialog element gives the focus trap, Escape and
// the way back to where the reader was.

import { ICONS, h, icon } from "./dom.js";
import { style } from "./style.js";

await style("/web/sheets.css");

Object.assign(ICONS, {
  reply: "M9 6 4 11l5 5M4 11h9c4 0 6.5 2 7 7",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  edit: "M4 20l1-4.5L16.5 4 20 7.5 8.5 19zM14 6.5l3.5 3.5",
  recall: "M5 5v5h5M5.5 10A7.5 7.5 0 1 1 5 15",
});

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

/** Draws into `box` now and whenever the room changes, as long as it is on the page. The focus stays
 * on the button in the same place. `draw` gives children, or undefined where nothing changed. */
export function live(talk, box, draw) {
  const hear = () => {
    const children = draw();
    if (children === undefined) return;
    const stops = () => [...box.querySelectorAll("button, input, select")];
    const at = stops().indexOf(document.activeElement);
    box.replaceChildren(...[children].flat(Infinity).filter(Boolean));
    if (at >= 0) (stops()[at] ?? stops().at(-1))?.focus();
  };
  hear();
  talk.addEventListener("change", hear);
  const watch = new MutationObserver(() => {
    if (box.isConnected) return;
    talk.removeEventListener("change", hear);
    watch.disconnect();
  });
  watch.observe(document.body, { childList: true });
}

/** A button that asks once more before it acts. `small`: an icon whose words are said, not shown, until it asks. */
export function careful(words, sureWords, act, iconName = null, small = false) {
  const label = h("span", { class: small ? "unseen" : null }, words);
  let sure = false;
  return h("button", {
    type: "button",
    class: `action danger${small ? " small" : ""}`,
    onclick: () => {
      if (sure) act();
      sure = true;
      label.className = "";
      label.textContent = sureWords;
    },
  }, iconName && icon(iconName), label);
}
