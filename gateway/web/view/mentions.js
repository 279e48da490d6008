// The people list of the composer: opens on @ right after any character, finds by any script. Fetched with the first @.

import { guessTag, languageName } from "../language.js";
import { hueOf, matches, mentionQuery, sealOf } from "../names.js";
import { h, seal } from "./dom.js";

const OFFERED_MAX = 6;

export class People {
  constructor(composer) {
    this.composer = composer;
    this.options = [];
    this.chosen = -1;
  }

  /** Shows who may be meant by what stands before the caret, or nothing. */
  pick() {
    const { box, list, mentions, context } = this.composer;
    const query = box.selectionStart === box.selectionEnd ? mentionQuery(box.value.slice(0, box.selectionStart)) : null;
    if (!query) return this.close();
    const people = context.people().filter(({ name }) => matches(name, query.typed)).slice(0, OFFERED_MAX);
    const finished = people.length === 1 && query.typed.trimEnd() !== query.typed && mentions.some((one) => one.text === `@${people[0].name}`);
    if (!people.length || finished) return this.close();
    this.query = query;
    this.options = people;
    this.#choose(query.eager ? 0 : -1);
    list.hidden = false;
    return undefined;
  }

  /** Whether the key was for the list. */
  key(event) {
    const { length } = this.options;
    if (!length) return false;
    if (event.key === "ArrowDown") this.#choose((this.chosen + 1) % length);
    else if (event.key === "ArrowUp") this.#choose((this.chosen + length * 2 - (this.chosen < 0 ? 0 : 1)) % length);
    else if ((event.key === "Enter" || event.key === "Tab") && this.chosen >= 0) this.#insert(this.chosen);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  close() {
    const { box, list } = this.composer;
    this.options = [];
    list.hidden = true;
    list.replaceChildren();
    box.removeAttribute("aria-activedescendant");
  }

  #choose(at) {
    const { box, list, context } = this.composer;
    this.chosen = at;
    list.replaceChildren(...this.options.map(({ user, name, languages }, index) => h("li", {
      id: `mention-${index}`, role: "option", "aria-selected": String(index === at),
      onpointerdown: (event) => {
        event.preventDefault();
        this.#insert(index);
      },
    }, seal(name, hueOf(user), sealOf(name)), h("bdi", { class: "name", lang: guessTag(name, []) || null }, name),
    languages?.length ? h("span", { class: "reads" }, languageName(languages[0], context.ui)) : null)));
    if (at >= 0) box.setAttribute("aria-activedescendant", `mention-${at}`);
    else box.removeAttribute("aria-activedescendant");
  }

  #insert(index) {
    const { user, name } = this.options[index];
    const { box, mentions } = this.composer;
    const before = box.value.slice(0, this.query.at);
    const after = box.value.slice(box.selectionStart);
    const space = after.startsWith(" ") ? "" : " ";
    box.value = `${before}@${name}${space}${after}`;
    const caret = before.length + name.length + 2;
    box.setSelectionRange(caret, caret);
    mentions.push({ user, text: `@${name}` });
    this.close();
    this.composer.grow();
    box.focus();
  }
}
