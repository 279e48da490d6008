// How a draft will read to the others, and how that reads back: while somebody writes, above the composer. Asked
// after a pause, never twice at a time, and only the latest draft counts. The panel has its height from the start.

import { canonical, languageName, shortName } from "../language.js";
import { wordsForError } from "../words.js";
import { h, icon, unseen } from "./dom.js";
import { languageOption } from "./depth.js";

const PAUSE_MS = 500;

export class Preview {
  constructor(view) {
    this.view = view;
    const { talk, page, composer, memory } = view;
    const { say } = page;
    this.asked = null;
    this.busy = false;
    this.tag = h("span", { class: "tag", "aria-hidden": "true" });
    this.text = h("p", { class: "text", dir: "auto" });
    this.back = h("p", { class: "back", dir: "auto", lang: talk.target });
    this.select = h("select", { "aria-label": say("preview_language"), onchange: ({ target }) => {
      memory.set("preview-language", target.value);
      this.#choose(target.value);
    } });
    this.element = h("section", { class: "preview-panel", "aria-label": say("preview") },
      h("label", { class: "chooser" }, this.tag, icon("down"), unseen(say("preview_language")),
        this.select),
      h("div", { class: "reads-so", "aria-live": "polite", tabindex: 0, role: "group", "aria-label": say("preview") }, this.text, this.back));
    composer.element.prepend(this.element);
    composer.tool.setAttribute("aria-pressed", "true");
    memory.set("preview", true);
    this.hears = [["compositionstart", () => {
      this.composing = true;
      clearTimeout(this.timer);
    }], ["compositionend", () => {
      this.composing = false;
      this.type(composer.text);
    }]];
    for (const [type, hear] of this.hears) composer.box.addEventListener(type, hear);
    this.offer();
  }

  /** Languages to choose from, as far as the room tells by now. */
  offer() {
    const { memory, page } = this.view;
    const offered = this.#languages();
    if (offered.join() === this.offered) return;
    this.offered = offered.join();
    const kept = memory.get("preview-language");
    const language = offered.includes(kept) ? kept : offered[0];
    this.select.replaceChildren(...offered.map((one) => languageOption(one, page.ui, language)));
    if (language !== this.language) this.#choose(language);
  }

  #choose(language) {
    this.language = language;
    this.tag.textContent = shortName(language);
    this.text.lang = language;
    this.type(this.view.composer.text, 0);
  }

  stop() {
    const { view } = this;
    clearTimeout(this.timer);
    for (const [type, hear] of this.hears) view.composer.box.removeEventListener(type, hear);
    this.element.remove();
    view.composer.tool.setAttribute("aria-pressed", "false");
    view.memory.set("preview", false);
    view.preview = null;
  }

  /** The draft is now `text`. */
  type(text, pause = PAUSE_MS) {
    clearTimeout(this.timer);
    if (this.composing) return undefined; // half-typed pinyin
    this.draft = text.trim();
    const { say, ui } = this.view.page;
    if (!this.draft) {
      this.asked = null;
      return this.#show("", "hint", say("preview_hint", { language: languageName(this.language, ui) }));
    }
    this.timer = setTimeout(() => this.#ask(), pause);
    return undefined;
  }

  // The most read language that is not mine; then whatever the server can make.
  #languages() {
    const { room, target, routes } = this.view.talk;
    const here = Object.entries(room.here?.by_language ?? {}).sort((a, b) => b[1] - a[1]).map(([language]) => canonical(language));
    const made = routes.filter((route) => canonical(route.source) === target).map((route) => canonical(route.target));
    const all = [...new Set([...here, ...made, "en", "zh"])];
    return all.filter((language) => language !== target);
  }

  async #ask() {
    const { talk, page } = this.view;
    const { draft, language } = this;
    const key = `${language} ${draft}`;
    if (this.busy || !draft || key === this.asked || this.view.preview !== this || [...draft].length > talk.limits.text_chars_max) return;
    this.busy = true;
    this.element.classList.add("busy");
    let again = 0;
    try {
      const frame = await talk.connection.ask({ type: "preview", room: talk.room.id, text: draft, language });
      this.asked = key;
      if (this.draft) this.#answer(frame, language);
    } catch (failed) {
      this.#show("", "hint", failed.code === "too_fast" || failed.code === "unavailable" ? page.say("preview_waits") : wordsForError(page.say, failed.code));
      again = failed.retryable ? Math.max(1_000, failed.retry_after_ms ?? 0) : 0;
    } finally {
      this.busy = false;
      this.element.classList.remove("busy");
      if (`${this.language} ${this.draft}` !== key) this.type(this.draft, 0);
      else if (again) this.type(this.draft, again);
    }
  }

  #answer(frame, language) {
    const { say, ui } = this.view.page;
    const why = (reason) => {
      const words = say(`reason_${reason}`, { source: languageName(canonical(frame.source || "und"), ui), target: languageName(language, ui), from: frame.source, to: language });
      return words === `reason_${reason}` ? say("reason_other", { reason }) : words;
    };
    if (!frame.text) {
      const same = frame.source && canonical(frame.source) === language;
      return this.#show("", "hint", same ? say("preview_same", { language: languageName(language, ui) }) : say("untranslated", { reason: why(frame.reason) }));
    }
    const back = frame.back ? [h("span", { class: "back-mark" }, say(frame.starter ? "reads_back_rough" : "reads_back")), " ", h("bdi", {}, frame.back)]
      : [h("span", { class: "back-mark" }, say("no_way_back", { reason: why(frame.back_reason || "no_package") }))];
    return this.#show(frame.text, "", ...back);
  }

  #show(text, kind, ...back) {
    this.element.dataset.kind = kind;
    this.text.textContent = text;
    this.back.replaceChildren(...back);
  }
}
