// The people list of the composer: opens on @ right after any character, finds by any name in any script, by pinyin and
// by initials. Fetched with the first @.

import { guessTag, languageName } from "../language.js";
import { matches, mentionQuery } from "../finding.js";
import { hueOf, sealOf } from "../names.js";
import { h, seal } from "./dom.js";
import { style } from "./style.js";

await style("/web/mentions.css");

const OFFERED_MAX = 6;
const LOOK_UP_MS = 200;

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
    this.#lookUp(query.typed.trim());
    const { talk, naming } = context;
    const people = new Map(context.people().map((one) => [one.user, one]));
    const found = this.found?.typed === query.typed.trim() ? this.found.cards.map((card) => card.user) : [];
    for (const card of this.found?.cards ?? []) if (!people.has(card.user) && card.user !== talk.me.user) people.set(card.user, { user: card.user, name: card.name, languages: [] });
    const offered = [...people.values()].filter(({ user, name }) => matches(name, query.typed) || naming?.matches(user, query.typed) || found.includes(user))
      .map((one) => ({ ...one, name: talk.called(one.user, one.name) })).slice(0, OFFERED_MAX);
    const finished = offered.length === 1 && query.typed.trimEnd() !== query.typed && mentions.some((one) => one.text === `@${offered[0].name}`);
    if (!offered.length || finished) return this.close();
    this.query = query;
    this.options = offered;
    this.#choose(query.eager ? 0 : -1);
    list.hidden = false;
    return undefined;
  }

  // Somebody whom this page does not know, or not by that name: the server knows pinyin and everybody who ever came.
  #lookUp(typed) {
    const { talk } = this.composer.context;
    if (!typed || typed === this.wanted || !talk.connection.ready) return;
    this.wanted = typed;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const answer = await talk.connection.ask({ type: "find_people", room: talk.room.id, query: typed.slice(0, 40) }).catch(() => null);
      if (!answer?.cards.length || this.wanted !== typed) return;
      this.found = { typed, cards: answer.cards };
      this.pick();
    }, LOOK_UP_MS);
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
