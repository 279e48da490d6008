// "I read": chips for the languages somebody reads, most liked first. The first one is what messages become.

import { OFFERED, languageName, ownName } from "../language.js";
import { h, icon } from "./dom.js";

/** `chosen` is an array, changed in place; `changed()` is called after each change. At least one stays chosen. */
export function languageChips(chosen, { say, ui }, changed = () => {}) {
  const chips = h("div", { class: "chips", role: "group", "aria-label": say("you_read") });
  const draw = () => {
    const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.language : null;
    const offered = [...new Set([...chosen, "zh", "en"])];
    const rest = OFFERED.filter((language) => !offered.includes(language));
    chips.replaceChildren(
      ...offered.map((language) => {
        const on = chosen.includes(language);
        const first = chosen[0] === language;
        return h("button", {
          type: "button", class: `chip${on ? " on" : ""}${first ? " first" : ""}`, "aria-pressed": String(on), "data-language": language,
          onclick: () => {
            if (on && chosen.length > 1) chosen.splice(chosen.indexOf(language), 1);
            else if (!on) chosen.push(language);
            draw();
            changed();
          },
        }, on && icon("check"), h("span", { lang: language }, ownName(language)), first && chosen.length > 1 && h("span", { class: "chip-note" }, say("main_language")));
      }),
      h("label", { class: "chip add" }, icon("add"), h("span", { class: "unseen" }, say("add_language")),
        h("select", {
          "aria-label": say("add_language"),
          onchange: (event) => {
            if (!event.target.value) return;
            chosen.push(event.target.value);
            draw();
            changed();
          },
        }, h("option", { value: "" }, say("add_language")),
        rest.map((language) => h("option", { value: language, lang: language }, `${ownName(language)} · ${languageName(language, ui)}`)))),
    );
    if (focused) chips.querySelector(`[data-language="${focused}"]`)?.focus();
  };
  draw();
  return chips;
}
