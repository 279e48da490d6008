// A form of the desk, folded under its title. What was typed stays where sending failed, and why is said below it.

import { wordsForError } from "../words.js";
import { h, toast } from "../view/dom.js";

/** `send()` gives words to say, or throws {code} or {words_shown}. */
export function deskForm(say, title, fields, sendWords, send, openIt = false) {
  const failure = h("p", { class: "failure", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "primary" }, sendWords);
  const form = h("form", { class: "form desk-form", onsubmit: async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    failure.hidden = true;
    try {
      const done = await send();
      if (done) toast(done);
    } catch (failed) {
      failure.textContent = failed.words_shown ?? wordsForError(say, failed.code ?? "other");
      failure.hidden = false;
    }
    button.disabled = false;
  } }, fields, failure, button);
  return h("details", { class: "desk-fold", open: openIt }, h("summary", {}, h("h3", {}, title)), form);
}
