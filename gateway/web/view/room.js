// The room: its head, the log, the composer, and the sheets that open over them. Only wiring; each part draws itself.

import { isForeign } from "../language.js";
import { wordsForError } from "../words.js";
import { Composer } from "./composer.js";
import { h, icon, toast } from "./dom.js";
import { byLanguage } from "./here.js";
import { reading } from "./message.js";
import { Messages } from "./messages.js";

const BANNER_AFTER_MS = 1200;

export class RoomView {
  /** `page` = {say, ui, time, setInterface, rooms(), forget(), saveLanguages()}; `memory` keeps mode and draft. */
  constructor(talk, page, memory) {
    this.talk = talk;
    this.page = page;
    this.memory = memory;
    this.mode = memory.get("mode", "translated");
    this.context = { ...page, talk, act: (verb, ...rest) => this.act(verb, ...rest), people: () => this.#people() };
    const { say } = page;
    this.title = h("h1", { dir: "auto" }, talk.room.title || say("untitled"));
    this.here = h("span", { class: "here" });
    this.banner = h("div", { class: "banner", role: "status", hidden: true });
    this.notice = h("div", { class: "notice", role: "status", hidden: true });
    this.typing = h("p", { class: "typing", "aria-live": "off" });
    this.messages = new Messages(this.context, () => this.mode);
    this.composer = new Composer(this.context, {
      send: (text, options) => {
        talk.post(text, options);
        this.messages.forgetUnread();
        this.messages.toEnd();
      },
      save: (message, text, mentions) => talk.change("edit", { of: message.seq, text, mentions }),
    });
    this.composer.box.value = memory.get("draft", "");
    this.element = h("div", { class: "room" },
      h("a", { class: "skip", href: "#composer", onclick: (event) => {
        event.preventDefault();
        this.composer.focus();
      } }, say("to_composer")),
      h("header", { class: "bar-top" },
        h("button", { type: "button", class: "about", "aria-haspopup": "dialog", onclick: () => this.#open("openPeople") },
          h("img", { src: "/web/icon.svg", alt: "", width: 36, height: 36 }),
          h("span", { class: "about-words" }, this.title, this.here)),
        h("button", { type: "button", class: "plain", "aria-label": say("who_is_here"), "aria-haspopup": "dialog", onclick: () => this.#open("openPeople") }, icon("people")),
        h("button", { type: "button", class: "plain", "aria-label": say("settings"), "aria-haspopup": "dialog", onclick: () => this.#open("openSettings") }, icon("settings"))),
      h("main", { class: "body" }, this.banner, h("div", { class: "pins" }), this.messages.element),
      h("footer", { class: "foot" }, this.notice, this.typing, this.composer.element));
    this.listeners = [
      ["change", () => this.#render()],
      ["connection", () => this.#connection()],
      ["title", () => this.#head()],
      ["refusal", ({ detail }) => this.#later("toast", wordsForError, detail)],
    ];
    for (const [type, hear] of this.listeners) talk.addEventListener(type, hear);
    this.timer = setInterval(() => this.#connection(), 5000);
  }

  /** Once the element is in the document. */
  start() {
    this.#head();
    this.#connection();
    this.#render();
    this.composer.draft(this.composer.text);
    if (this.memory.get("preview")) this.#later("preview");
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  stop() {
    clearInterval(this.timer);
    clearTimeout(this.bannerTimer);
    for (const [type, hear] of this.listeners) this.talk.removeEventListener(type, hear);
    this.messages.stop();
  }

  #render() {
    this.messages.render();
    this.#head();
    this.#showTyping();
    const { room, me } = this.talk;
    if (this.context.naming) this.context.naming.render();
    else if (room.named || room.cards?.list.length || room.ceremonies?.length) this.part("naming", "render");
    if (this.context.stage) this.context.stage.render();
    else if (room.hosted || Object.keys(room.conduct ?? {}).length) this.part("stage", "render");
    if (this.context.depth) this.context.depth.render(this);
    else if (room.deep || room.pins?.length || /owner|moderator/.test(room.role) || room.title.split(/[·|/—]/).every((part) => isForeign(part, me.languages))) this.#later("render");
  }

  // What lies under the messages (pins, slang, corrections, previews) is fetched when the room has any of it.
  #later(verb, ...rest) {
    import("./depth.js").then((depth) => depth.begin(this)[verb](this, ...rest), this.#lost);
  }

  /** "naming", "stage": names and hosted rooms are fetched when the room has any, or somebody asks. */
  part(part, verb, ...rest) {
    import(`../${part}/${part}.js`).then((found) => found.begin(this)[verb](...rest), this.#lost);
  }

  #lost = () => toast(wordsForError(this.page.say, "network"), { refusal: true });

  #head() {
    const { room } = this.talk;
    const { say } = this.page;
    const title = this.talk.depth?.titleFor(room, this.talk.me.languages)?.text || room.title || say("untitled");
    if (this.title.textContent !== title) this.title.textContent = title;
    const sign = JSON.stringify([room.here?.total, room.here?.by_language]);
    if (sign !== this.hereSign) {
      this.hereSign = sign;
      this.here.replaceChildren(...(room.here ? [h("span", {}, say("here_short", { n: room.here.total })), byLanguage(room.here.by_language, this.page)] : []));
    }
    const unread = document.visibilityState === "hidden" && this.messages.unread !== null;
    document.title = `${unread ? "● " : ""}${title} · ${say("brand")}`;
  }

  #showTyping() {
    const { say } = this.page;
    const names = [...this.talk.typing].map(([user, { name }]) => this.talk.called(user, name));
    this.typing.textContent = names.length === 0 ? "" : names.length === 1 ? say("typing_one", { name: names[0] })
      : names.length === 2 ? say("typing_two", { name: names[0], other: names[1] }) : say("typing_many");
  }

  #connection() {
    const { say } = this.page;
    const state = this.talk.connection.state;
    const show = () => {
      const { kind } = this.talk.connection.state;
      this.banner.hidden = kind === "ready";
      if (kind === "ready") return;
      const words = kind === "ended" ? say("state_ended", { words: this.talk.connection.state.words }) : say(`state_${kind}`);
      const age = this.talk.loaded && Date.now() - this.talk.seen_at_ms > 15_000 ? say("as_of", { age: this.page.time.age(this.talk.seen_at_ms) }) : "";
      this.banner.className = `banner ${kind}`;
      this.banner.replaceChildren(
        h("p", {}, words, age && h("span", { class: "age" }, age)),
        (kind === "offline" || kind === "ended") && h("button", { type: "button", class: "word", onclick: () => this.#tryNow() }, say("try_now")));
    };
    this.element.dataset.connection = state.kind;
    this.lost ||= state.kind !== "ready";
    if (state.kind === "ready") {
      if (this.lost) this.messages.lookAgain();
      this.lost = false;
      clearTimeout(this.bannerTimer);
      this.bannerTimer = null;
      this.banner.hidden = true;
    } else if (!this.banner.hidden || state.kind === "ended") {
      show();
    } else {
      // A cut that heals within a second is nobody's news.
      this.bannerTimer ??= setTimeout(() => {
        this.bannerTimer = null;
        show();
      }, state.kind === "offline" && navigator.onLine === false ? 0 : BANNER_AFTER_MS);
    }
  }

  #tryNow() {
    if (this.talk.connection.state.kind === "ended") location.reload();
    else this.talk.connection.retryNow();
  }

  act(verb, ...rest) {
    const { talk, messages, composer } = this;
    switch (verb) {
      case "open":
        return this.#open("openMessage", rest[0]);
      case "toggle": {
        const shown = messages.shown.get(rest[0].seq) ?? (this.mode === "translated" ? null : this.mode);
        return messages.show(rest[0], reading(rest[0], talk, shown).main.made ? "original" : "translated");
      }
      case "translate":
        return talk.translate(rest[0].seq);
      case "react":
        return talk.change("react", { of: rest[0].seq, emoji: rest[1], on: rest[2] }).catch(() => {});
      case "jump":
        return messages.jump(rest[0].seq);
      case "retry":
        return talk.retry(rest[0]);
      case "discard":
        return talk.discard(rest[0]);
      case "fill":
        return talk.fill(rest[0]);
      case "draft":
        this.preview?.type(rest[0]);
        return this.memory.set("draft", rest[0]);
      case "editLast": {
        const { room, me } = talk;
        const seq = room.order.findLast((one) => {
          const message = room.messages.get(one);
          return message.kind === "post" && message.author === me.user && message.recalled_by === null;
        });
        return seq !== undefined && composer.edit(room.messages.get(seq));
      }
      default:
        return this.#later(verb, ...rest);
    }
  }

  setMode(mode) {
    this.mode = mode;
    this.memory.set("mode", mode);
    this.messages.shown.clear();
    this.messages.render();
  }

  /** Who can be mentioned: those here first, then those who spoke. */
  #people() {
    const { room, me } = this.talk;
    const found = new Map();
    for (const person of room.here?.people ?? []) found.set(person.user, person);
    for (const [user, name] of [...room.people].reverse()) if (!found.has(user)) found.set(user, { user, name, languages: [] });
    found.delete(me.user);
    return [...found.values()];
  }

  // The sheets are fetched when the first one is opened, and once the page has nothing else to do.
  #open(sheet, ...rest) {
    import("./panels.js").then((panels) => panels[sheet](this, ...rest), this.#lost);
  }
}
