// The friendly page for somebody without an invitation. Fetched only when it is needed.

import { h, icon } from "./dom.js";
import { frame } from "./join.js";
import "./sheet.js";
import "../words-later.js";

/** The page without an invitation: paste one, or go back to a room already known. */
export function doorView(context, { rooms, message, open }) {
  const { say } = context;
  const failure = h("p", { class: "failure", role: "alert", hidden: !message }, message ?? "");
  const box = h("input", { id: "paste", type: "text", inputmode: "url", autocomplete: "off", placeholder: say("paste_hint"), dir: "ltr", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    const found = /(?:#\/i\/|\/i\/)([A-Za-z0-9_-]{4,64})/.exec(box.value) ?? /^\s*([A-Za-z0-9_-]{6,64})\s*$/.exec(box.value);
    if (found) open(found[1]);
    else {
      failure.textContent = say("paste_wrong");
      failure.hidden = false;
      box.focus();
    }
  };
  return frame(context,
    h("div", { class: "room-card" }, h("h1", {}, say("no_invite_title")), h("p", { class: "lead" }, say("no_invite_words"))),
    h("form", { class: "join-form", onsubmit: submit },
      h("div", { class: "field" }, h("label", { for: "paste" }, say("paste_label")), box), failure,
      h("button", { type: "submit", class: "primary" }, say("open"))),
    rooms.length > 0 && h("nav", { class: "known", "aria-label": say("known_rooms") }, h("h2", {}, say("known_rooms")),
      rooms.map((room) => h("a", { href: `#/r/${room.room}`, dir: "auto" }, h("span", {}, room.title || room.room), icon("down")))));
}
